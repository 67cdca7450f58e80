package dev.lectern.cli;

import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.measure.StepProfile;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern generate}. */
@Command(
        name = "generate",
        customSynopsis = "lectern generate [OPTIONS] [PROMPT]",
        description = {
            "Continue a text.",
            "",
            "The prompt goes to the model as it is, without a chat template; only the token that the"
                    + " model wants at the beginning of every text is put in front, where it wants one.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern generate \"The capital of France is\" --max-tokens 8",
            "  lectern generate -n 4 --temperature 0.8 --seed 7 \"Once upon a time\"",
            "  lectern generate --special --text prompt.txt --json",
            "",
            "The object of --json: answer, finishReason (stop or length), model {name, sha256, context}, tokens {prompt,"
                    + " cached, generated}, seconds {load, prefill, firstToken, decode, total}, bytes {weights, kv, index,"
                    + " peakRss}, methods {prefill, attention, kv, retention}, threads, vectorBits, with --profile profile"
                    + " {prefill, decode: each {tokens, steps, millisecondsPerToken {…}}}; with -n also answers,"
                    + " and finishReason is a list."
        })
final class GenerateCommand implements Verb {
    @Parameters(arity = "0..1", paramLabel = "PROMPT", description = "The text to continue. Default: standard input.")
    @Nullable
    String prompt;

    @Option(names = "--text", paramLabel = "FILE", description = "Read the prompt from a file.")
    @Nullable
    String file;

    @Option(
            names = "--special",
            description = {"Read the written form of special tokens (<|im_start|>) in the", "prompt as these tokens."})
    boolean special;

    @Option(
            names = "-n",
            paramLabel = "N",
            description = {
                "This many answers, decoded together after one reading. Needs",
                "--temperature above 0 to differ."
            })
    @Nullable
    Integer n;

    @Mixin
    ModelChoice modelChoice = new ModelChoice();

    @Mixin
    AnswerChoice answerChoice = new AnswerChoice();

    @Mixin
    SessionChoice sessionChoice = new SessionChoice();

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    ProfileChoice profileChoice = new ProfileChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        GenerateOptions options = answerChoice.options();
        int answers = checkedCount(n);
        answerChoice.warnOfNoEffect(console, answers);
        String text = TextArgument.of(surroundings, prompt, file, "PROMPT");
        ModelChoice.Located located = modelChoice.locate(surroundings);
        ProfileChoice.Running profiling = profileChoice.start();
        long began = System.nanoTime();
        try (profiling;
                Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            long ready = System.nanoTime();
            Answering answering = new Answering(surroundings, model, located, (ready - began) / 1e9);
            Prompt read = Prompt.raw(model, text, special);
            Lengths lengths = Lengths.of(
                    located.name(),
                    model.context(),
                    read.length(),
                    options.maxTokens(),
                    asked(sessionChoice.context),
                    surroundings.hub().catalogue());
            warnOfLess(console, lengths, options);
            GenerateOptions fitting = options.withMaxTokens(lengths.maxTokens());
            try (Session session = answering.open(sessionChoice.options(), lengths, answers)) {
                Outcome outcome = answering.answer(session, read, 0, answers, fitting, !output.json, ready, 0);
                print(console, answering.json(outcome, n != null), outcome, output.json, profiling.stop());
            }
        }
    }

    static OptionalInt asked(@Nullable Integer context) {
        return context == null ? OptionalInt.empty() : OptionalInt.of(context);
    }

    static int checkedCount(@Nullable Integer n) {
        if (n != null && (n < 1 || n > 1024)) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, "-n is " + n + ", but it takes 1…1024.");
        }
        return n == null ? 1 : n;
    }

    static void warnOfLess(Console console, Lengths lengths, GenerateOptions options) {
        if (lengths.maxTokens() < options.maxTokens()) {
            console.warn("The context has room for an answer of " + lengths.maxTokens()
                    + " tokens only, fewer than the " + options.maxTokens() + " of --max-tokens.");
        }
    }

    /** The end of what is printed: the first answer stands there already, unless it is an object. */
    static void print(
            Console console, Map<String, Object> object, Outcome outcome, boolean json, Optional<StepProfile> profile) {
        if (json) {
            profile.ifPresent(times -> object.put("profile", times.object()));
            console.printLine(JsonText.of(object));
            return;
        }
        for (int i = 0; i < outcome.answers().size(); i++) {
            String answer = outcome.answers().get(i);
            if (i > 0) {
                console.printLine("--- " + (i + 1) + " ---");
                console.print(answer);
            }
            if (!answer.endsWith("\n")) {
                console.print("\n");
            }
            if (!outcome.readings().isEmpty()) {
                console.print(Passages.text(outcome.readings().get(i)));
            }
        }
        console.note(outcome.statistics());
        profile.ifPresent(times -> console.note(times.table().stripTrailing()));
    }
}
