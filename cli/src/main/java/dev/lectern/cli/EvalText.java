package dev.lectern.cli;

import dev.lectern.measure.TextOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The text that an evaluation goes through. */
final class EvalText {
    @Parameters(arity = "0..1", paramLabel = "TEXT", description = "The text itself.")
    @Nullable
    String argument;

    @Option(
            names = "--text",
            paramLabel = "FILE",
            description = "A file with the text. Without either it is read from standard input.")
    @Nullable
    String file;

    @Option(names = "--tokens", paramLabel = "N", description = "Go through the first N tokens. Default: all.")
    int tokens;

    String words(Surroundings surroundings) {
        return TextArgument.of(surroundings, argument, file, "TEXT");
    }

    TextOptions options(MethodChoice method) {
        TextOptions options = TextOptions.DEFAULT.withTokens(tokens);
        options = method.kv().map(options::withKv).orElse(options);
        return method.attention().map(options::withAttention).orElse(options);
    }
}
