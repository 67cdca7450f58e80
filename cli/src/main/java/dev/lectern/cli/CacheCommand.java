package dev.lectern.cli;

import picocli.CommandLine.Command;

/** {@code lectern cache}: the verbs for what is kept on the disk. */
@Command(
        name = "cache",
        customSynopsis = "lectern cache WHAT [OPTIONS]",
        description = {"Look after what was read and is kept on the disk.", ""},
        commandListHeading = "%nWhat:%n",
        subcommands = {
            CacheListCommand.class,
            CacheShowCommand.class,
            CacheVerifyCommand.class,
            CacheRemoveCommand.class,
            CacheCollectCommand.class
        },
        footer = {
            "",
            "Examples:",
            "  lectern cache list",
            "  lectern cache show @report",
            "  lectern cache gc --max-bytes 5000000000"
        })
final class CacheCommand {}
