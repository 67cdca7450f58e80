package dev.lectern.cli;

import picocli.CommandLine.Command;

/** {@code lectern bench}: the verbs that measure. */
@Command(
        name = "bench",
        customSynopsis = "lectern bench WHAT [OPTIONS]",
        description = {"Measure on this machine.", ""},
        commandListHeading = "%nWhat:%n",
        subcommands = {SpeedCommand.class, PrefillCommand.class, PeersCommand.class, KvCacheCommand.class},
        footer = {"", "Examples:", "  lectern bench speed --depth 0,4096", "  lectern bench peers --help"})
final class BenchCommand {}
