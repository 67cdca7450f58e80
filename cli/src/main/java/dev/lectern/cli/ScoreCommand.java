package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Score;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern score}. */
@Command(
        name = "score",
        customSynopsis = "lectern score [OPTIONS] [TEXT]",
        description = {
            "Say how likely a model finds a text, token by token.",
            "",
            "Exact, over a cache of f32, in one window, with nothing added at the beginning or end of the text.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern score \"The capital of France is Paris.\"",
            "  lectern score --json < text.txt",
            "",
            "The object of --json: tokens, logProbs (at i: ln of the probability of token i after those before it; null at 0),"
                    + " top1 (at i: the likeliest token after tokens 0…i)."
        })
final class ScoreCommand implements Verb {
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
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        computeChoice.options();
        String whole = TextArgument.of(surroundings, text, file, "TEXT");
        if (whole.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT, "The text is empty: there is nothing to score.");
        }
        ModelChoice.Located located = modelChoice.locate(surroundings);
        try (Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            int[] ids = model.tokenizer().encode(whole, special).ids();
            if (ids.length == 0) {
                throw new LecternException(
                        LecternException.Kind.BAD_DOCUMENT,
                        "The vocabulary of " + located.name() + " has no token for anything in the text, so there is"
                                + " nothing to score: give another text, or name another --model.");
            }
            Lengths lengths = Lengths.of(
                    located.name(),
                    model.context(),
                    ids.length,
                    1,
                    OptionalInt.empty(),
                    surroundings.hub().catalogue());
            SessionOptions options = SessionOptions.DEFAULT.withKv("f32").withContext(lengths.context());
            Score score = score(surroundings, model, options, ids);
            console.printLine(output.json ? json(score) : text(score));
        }
    }

    private static Score score(Surroundings surroundings, Model model, SessionOptions options, int[] ids) {
        try (Session session = model.newSession(options);
                ProgressLine line =
                        new ProgressLine(surroundings.console(), "scoring", ProgressLine.Unit.TOKENS, 0, ids.length)) {
            return session.score(ids, line, surroundings.cancellation());
        }
    }

    private static String json(Score score) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("tokens", score.tokens());
        object.put("logProbs", score.logProbs());
        object.put("top1", score.top1());
        return JsonText.of(object);
    }

    private static String text(Score score) {
        int tokens = score.tokens().length;
        if (tokens == 1) {
            return "1 token; its likelihood depends on what stands before it, and nothing does.";
        }
        int right = 0;
        for (int i = 1; i < tokens; i++) {
            if (score.top1()[i - 1] == score.tokens()[i]) {
                right++;
            }
        }
        return String.format(
                Locale.ROOT,
                "%d tokens, perplexity %.4f, %.1f %% of the tokens after the first were the likeliest",
                tokens,
                score.perplexity(),
                100.0 * right / (tokens - 1));
    }
}
