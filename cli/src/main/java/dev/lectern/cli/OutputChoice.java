package dev.lectern.cli;

import picocli.CommandLine.Option;

/** How a result is printed. */
final class OutputChoice {
    @Option(
            names = "--json",
            description = {
                "Print one JSON object instead of text. An error is then",
                "{\"error\":{\"kind\":…,\"message\":…}}, with the same exit code."
            })
    boolean json;
}
