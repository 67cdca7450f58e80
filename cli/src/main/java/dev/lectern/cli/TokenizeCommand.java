package dev.lectern.cli;

import dev.lectern.text.Tokenizer;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern tokenize}. */
@Command(
        name = "tokenize",
        customSynopsis = "lectern tokenize [OPTIONS] [TEXT]",
        description = {"Print the token ids of a text.", "", "Nothing is added at its beginning or end.", ""},
        footer = {
            "",
            "Examples:",
            "  lectern tokenize \"Hello, world\"",
            "  lectern tokenize --json < report.txt | jq .count",
            "",
            "The object of --json: tokens (ids), count."
        })
final class TokenizeCommand implements Verb {
    @Parameters(arity = "0..1", paramLabel = "TEXT", description = "The text. Default: standard input.")
    @Nullable
    String text;

    @Option(names = "--text", paramLabel = "FILE", description = "Read the text from a file.")
    @Nullable
    String file;

    @Option(
            names = "--special",
            description = {"Read the written form of special tokens (<|im_start|>) as these", "tokens."})
    boolean special;

    @Mixin
    ModelChoice modelChoice = new ModelChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        String whole = TextArgument.of(surroundings, text, file, "TEXT");
        Tokenizer tokenizer =
                ModelTokenizer.open(modelChoice.locate(surroundings).path());
        int[] ids = tokenizer.encode(whole, special).ids();
        if (output.json) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("tokens", ids);
            object.put("count", ids.length);
            surroundings.console().printLine(JsonText.of(object));
        } else {
            surroundings
                    .console()
                    .printLine(Arrays.stream(ids).mapToObj(Integer::toString).collect(Collectors.joining(" ")));
        }
    }
}
