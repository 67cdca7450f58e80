package dev.lectern.cli;

import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.documents.Document;
import dev.lectern.documents.Documents;
import dev.lectern.documents.Mark;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern ask}. */
@Command(
        name = "ask",
        customSynopsis = "lectern ask [OPTIONS] DOCUMENT… QUESTION",
        description = {
            "Read documents and answer a question about them.",
            "",
            "Every token of the documents is read and none is cut off: a document that is longer than the model's context is"
                    + " refused before reading, with the numbers.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern ask report.pdf \"Which clauses limit liability?\"",
            "  lectern ask minutes.md agenda.txt \"What was agreed, and what is open?\" --max-tokens 200",
            "  curl -s https://example.org/page.html | lectern ask - \"What is this about?\"",
            "  lectern ask report.pdf --questions questions.txt > answers.jsonl",
            "",
            "The answer goes to standard output while it is written; progress and one line of statistics go to standard"
                    + " error. With --questions every answer is a JSON object on a line of its own, with the question beside it.",
            "",
            "The object of --json: answer, finishReason (stop or length), thinking (where the model thought aloud), model"
                    + " {name, sha256, context}, tokens {prompt, cached (of these, not read again), generated}, seconds {load,"
                    + " prefill, firstToken, decode, total}, bytes {weights, kv, index, peakRss}, methods {prefill, attention,"
                    + " kv, retention}, threads, vectorBits, with --profile profile {prefill, decode: each {tokens, steps,"
                    + " millisecondsPerToken {…}}}; with -n also answers, and finishReason is a list."
        })
final class AskCommand implements Verb {
    @Parameters(
            arity = "0..*",
            paramLabel = "DOCUMENT… QUESTION",
            hideParamSyntax = true,
            description = {
                "The documents (.txt, .md, .html, .pdf; - is standard input), and",
                "the question as the last argument. Without a question it is read",
                "from standard input."
            })
    List<String> arguments = new ArrayList<>();

    @Option(
            names = "--questions",
            paramLabel = "FILE",
            description = {
                "Ask each line of a file (- is standard input) about the",
                "documents, which are read once; all arguments are documents then."
            })
    @Nullable
    String questionsFile;

    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = {
                "What the model is told before the documents; empty for nothing.",
                "Default: that it reads carefully."
            })
    @Nullable
    String system;

    @Option(
            names = "--thinking",
            paramLabel = "on|off",
            description = {
                "Whether a model that can think aloud does so before it answers.",
                "Default: as the model's template says."
            })
    @Nullable
    Switch thinking;

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

    /** What was asked about what. */
    private record Request(List<String> documents, List<String> questions) {}

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        GenerateOptions options = answerChoice.options();
        sessionChoice.options();
        computeChoice.options();
        int answers = GenerateCommand.checkedCount(n);
        answerChoice.warnOfNoEffect(console, answers);
        Request request = request(surroundings);
        List<String> documents = Wording.documents(read(surroundings, request.documents()));
        ModelChoice.Located located = modelChoice.locate(surroundings);
        ProfileChoice.Running profiling = profileChoice.start();
        long began = System.nanoTime();
        try (profiling;
                Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            long ready = System.nanoTime();
            if (model.chatTemplate().isEmpty()) {
                console.warn(located.name() + " has no chat template, so it reads documents and question as plain text:"
                        + " a model made for conversations (instruct) answers better.");
            }
            List<Prompt> prompts = new ArrayList<>();
            for (String question : request.questions()) {
                prompts.add(Prompt.ofDocuments(
                        model,
                        system == null ? "" : system,
                        documents,
                        question,
                        Optional.ofNullable(thinking).map(Switch::isOn)));
            }
            int longest = prompts.stream().mapToInt(Prompt::length).max().orElse(0);
            Lengths lengths = Lengths.of(
                    located.name(),
                    model.context(),
                    longest,
                    options.maxTokens(),
                    GenerateCommand.asked(sessionChoice.context),
                    surroundings.hub().catalogue());
            GenerateCommand.warnOfLess(console, lengths, options);
            GenerateOptions fitting = options.withMaxTokens(lengths.maxTokens());
            Answering answering = new Answering(surroundings, model, located, (ready - began) / 1e9);
            try (Session session = answering.open(sessionChoice.options(), lengths, answers)) {
                if (questionsFile != null) {
                    answerAll(console, answering, session, request.questions(), prompts, fitting, ready);
                    profiling
                            .stop()
                            .ifPresent(times -> console.note(times.table().stripTrailing()));
                } else {
                    Outcome outcome =
                            answering.answer(session, prompts.getFirst(), 0, answers, fitting, !output.json, ready, 0);
                    GenerateCommand.print(
                            console, answering.json(outcome, n != null), outcome, output.json, profiling.stop());
                }
            }
        }
    }

    /** Reads the documents once, and forks for each question. */
    private void answerAll(
            Console console,
            Answering answering,
            Session session,
            List<String> questions,
            List<Prompt> prompts,
            GenerateOptions options,
            long ready) {
        // The same for all, by the law of ChatPrompt; the minimum is for a template that leaves a message out.
        int shared = prompts.stream().mapToInt(Prompt::shared).min().orElse(0);
        double reading = answering.read(session, prompts.getFirst().tokens(), shared);
        for (int i = 0; i < prompts.size(); i++) {
            try (Session fork = session.fork()) {
                Outcome outcome = answering.answer(
                        fork,
                        prompts.get(i),
                        i == 0 ? 0 : shared,
                        GenerateCommand.checkedCount(n),
                        options,
                        false,
                        i == 0 ? ready : System.nanoTime(),
                        i == 0 ? reading : 0);
                Map<String, Object> line = new LinkedHashMap<>();
                line.put("question", questions.get(i));
                line.putAll(answering.json(outcome, n != null));
                console.printLine(JsonText.of(line));
                if (!output.json) {
                    console.note(outcome.statistics());
                }
            }
        }
    }

    private Request request(Surroundings surroundings) {
        if (questionsFile != null) {
            if (arguments.isEmpty()) {
                throw bad("There is no document: name it before --questions.");
            }
            if (questionsFile.equals("-") && arguments.contains("-")) {
                throw bad("Standard input cannot be both a document and the questions: put one of them into a file.");
            }
            List<String> questions = surroundings
                    .console()
                    .in()
                    .file(questionsFile)
                    .lines()
                    .map(String::strip)
                    .filter(line -> !line.isEmpty())
                    .toList();
            if (questions.isEmpty()) {
                throw bad("--questions " + questionsFile + ": there is no question in it; write one on each line.");
            }
            return new Request(arguments, questions);
        }
        if (arguments.isEmpty()) {
            throw bad("There is no document and no question: lectern ask DOCUMENT \"QUESTION\".");
        }
        String last = arguments.getLast();
        if (arguments.size() > 1 && !isFile(last)) {
            if (last.isBlank()) {
                throw bad("The question is empty: it is the last argument, in quotes.");
            }
            return new Request(arguments.subList(0, arguments.size() - 1), List.of(last));
        }
        if (surroundings.console().terminals().in() || arguments.contains("-") || !isFile(last)) {
            throw bad(
                    isFile(last)
                            ? "There is no question, since \"" + last
                                    + "\" is a file: put the question last, in quotes."
                            : "ask needs a document and a question: lectern ask DOCUMENT \"QUESTION\".");
        }
        String question = surroundings.console().in().all().strip();
        if (question.isEmpty()) {
            throw bad("There is no question: put it last, in quotes, or on standard input.");
        }
        return new Request(arguments, List.of(question));
    }

    private static boolean isFile(String argument) {
        try {
            return argument.equals("-") || Files.exists(Path.of(argument));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static List<Document> read(Surroundings surroundings, List<String> names) {
        Console console = surroundings.console();
        if (names.stream().filter("-"::equals).count() > 1) {
            throw bad("Standard input (-) can be read as one document only.");
        }
        List<Document> documents = new ArrayList<>();
        for (String name : names) {
            Document document = readOne(surroundings, name);
            List<Mark> unread = document.pagesWithoutText();
            if (!unread.isEmpty()) {
                console.warn(document.name() + ": " + unread.size() + (unread.size() == 1 ? " page has" : " pages have")
                        + " no text (blank, or scanned without a text layer; first page "
                        + unread.getFirst().label() + "): the model does not see what is on them.");
            }
            documents.add(document);
        }
        return documents;
    }

    private static Document readOne(Surroundings surroundings, String name) {
        Console console = surroundings.console();
        try (ProgressLine line = new ProgressLine(console, "extracting " + name, ProgressLine.Unit.PAGES, 0, -1)) {
            return name.equals("-")
                    ? Documents.read(console.in().stream(), "standard input", line, surroundings.cancellation())
                    : Documents.read(Path.of(name), line, surroundings.cancellation());
        } catch (InvalidPathException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, "\"" + name + "\" is not the path of a document.", e);
        }
    }

    private static LecternException bad(String sentence) {
        return new LecternException(LecternException.Kind.BAD_OPTION, sentence);
    }
}
