package dev.lectern.cli;

import picocli.CommandLine.Option;

/** The option that every verb has. */
final class HelpChoice {
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help.")
    boolean help;
}
