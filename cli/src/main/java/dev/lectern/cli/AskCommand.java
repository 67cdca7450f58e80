package dev.lectern.cli;

import dev.lectern.GenerateOptions;
import dev.lectern.KeptDocument;
import dev.lectern.KeptReadings;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Question;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.comm.Communicator;
import dev.lectern.documents.Document;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Stack;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
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
            "  lectern read report.pdf --as report && lectern ask @report \"Who signed it?\"",
            "",
            "What is read is kept in the cache folder, so that another question about the same documents reads only itself;"
                    + " a line on standard error says how much was there (hit, partial, miss) and why not more.",
            "",
            "The answer goes to standard output while it is written; progress and one line of statistics go to standard"
                    + " error. With --questions every answer is a JSON object on a line of its own, with the question beside it.",
            "",
            "The object of --json: answer, finishReason (stop or length), thinking (where the model thought aloud), model"
                    + " {name, sha256, context}, tokens {prompt, cached (of these, not read again), generated}, seconds {load,"
                    + " prefill, firstToken, decode, total}, bytes {weights, kv, index, peakRss}, methods {prefill, attention,"
                    + " kv, retention}, kept {outcome (hit, partial or miss), tokens, why, seconds (of finding it); not with --no-cache}, index {outcome (made, loaded or"
                    + " none), bytes, written, why}, threads, vectorBits, with --profile profile {prefill, decode: each {tokens, steps,"
                    + " millisecondsPerToken {…}}}, with --show-reading reading [{document, from, to (characters of its text), line, mass"
                    + " (per cent), text}]; with -n also answers, and finishReason, thinking and reading are lists."
        })
final class AskCommand implements HostedVerb {
    @Parameters(
            arity = "0..*",
            paramLabel = "DOCUMENT… QUESTION",
            hideParamSyntax = true,
            description = {
                "The documents (.txt, .md, .html, .pdf; - is standard input), or the",
                "@NAME of what \"lectern read\" has kept, and the question as the",
                "last argument. Without a question it is read from standard input."
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
                "What the model is told before the documents. Default: nothing,",
                "or for @NAME what it was told when they were read."
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

    @Option(
            names = "--show-reading",
            arity = "0..1",
            paramLabel = "N",
            preprocessor = OnlyAttached.class,
            description = {
                "Say behind the answer which N passages of the documents its attention",
                "read most, and how much. Makes answers slower, not other ones.",
                "Default: 3 passages."
            })
    @Nullable
    Integer shownPassages;

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
    CacheChoice cacheChoice = new CacheChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    /** Takes a number of passages that is attached with =, and none that is not: what follows may be a document. */
    static final class OnlyAttached implements CommandLine.IParameterPreprocessor {
        @Override
        public boolean preprocess(
                Stack<String> arguments, CommandSpec verb, ArgSpec option, Map<String, Object> known) {
            if (!"=".equals(known.get("separator"))) {
                arguments.push("3");
            }
            return false;
        }
    }

    /** How several hosts read a text where nothing else is asked for. */
    private static final String EXACT_ON_HOSTS = "ring";

    /** What was asked about what. */
    private record Request(List<String> documents, List<String> questions) {}

    /** @param seconds that it took to open the model, once it was here */
    private record Opened(ModelChoice.Located located, Model model, double seconds) implements AutoCloseable {
        @Override
        public void close() {
            model.close();
        }
    }

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        GenerateOptions options = answerChoice.options();
        sessionChoice.options();
        computeChoice.options();
        int answers = GenerateCommand.checkedCount(n);
        answerChoice.warnOfNoEffect(console, answers);
        if (shownPassages != null && shownPassages < 1) {
            throw bad("--show-reading is " + shownPassages + ", but it takes 1 passage or more.");
        }
        Optional<Communicator> hosts = surroundings.hosts();
        hosts.ifPresent(this::prepare);
        Request request = surroundings.isFirst() ? request(surroundings) : new Request(List.of(), List.of());
        Optional<KeptDocument> named = named(surroundings, request.documents());
        named.ifPresent(this::readAsItWas);
        String keep = sessionChoice.options().keep();
        if (shownPassages != null && !keep.equals(SessionOptions.DEFAULT.keep())) {
            throw bad("--show-reading cannot say where a text was read of which --keep " + keep
                    + " dropped some: leave it out, or ask with --keep all.");
        }
        List<Document> read = named.isPresent() ? List.of() : DocumentFiles.read(surroundings, request.documents());
        List<String> documents = told(hosts, Wording.documents(read));
        List<String> questions = told(hosts, request.questions());
        List<String> names = named.map(DocumentFiles::names)
                .orElse(read.stream().map(Document::name).toList());
        ProfileChoice.Running profiling = profileChoice.start();
        try (profiling;
                Opened opened = surroundings.firstBeforeOthers(() -> open(surroundings))) {
            long ready = System.nanoTime();
            ModelChoice.Located located = opened.located();
            Model model = opened.model();
            if (model.chatTemplate().isEmpty()) {
                console.warn(located.name() + " has no chat template, so it reads documents and question as plain text:"
                        + " a model made for conversations (instruct) answers better.");
            }
            List<Prompt> prompts = new ArrayList<>();
            for (String question : questions) {
                Optional<Boolean> thinks = Optional.ofNullable(thinking).map(Switch::isOn);
                prompts.add(
                        named.isPresent()
                                ? Prompt.ofKept(model, named.get(), question, thinks)
                                : Prompt.ofDocuments(model, systemText(), documents, question, thinks));
            }
            named.ifPresent(document -> requireSameModel(model, located, document));
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
            Answering answering = new Answering(surroundings, model, located, opened.seconds());
            if (shownPassages != null) {
                answering.watch(Passages.of(model.tokenizer(), prompts.getFirst(), names, shownPassages));
            }
            // The same for all, by the law of ChatPrompt; the minimum is for a template that writes the question first.
            int shared = prompts.stream().mapToInt(Prompt::shared).min().orElse(0);
            int[] text = Arrays.copyOf(prompts.getFirst().tokens(), shared);
            // A text can be read with one question in view, not with several.
            Optional<Question> question =
                    prompts.size() == 1 ? prompts.getFirst().question(model.tokenizer()) : Optional.empty();
            SessionOptions asked = sessionChoice.options().withQuestion(question);
            boolean keeps = told(hosts, cacheChoice.isOn());
            Optional<KeptReadings> kept = keeps ? Optional.of(cacheChoice.store(surroundings)) : Optional.empty();
            try (Session session = hosts.isPresent()
                    ? answering.open(asked, lengths, answers, text, kept, hosts.get())
                    : answering.open(asked, lengths, answers, text, kept)) {
                double reading = answering.readText(session, text, keeps, !output.json);
                answering.written().failure().ifPresent(failure -> console.warn(String.valueOf(failure.getMessage())));
                if (questionsFile != null) {
                    answerAll(console, answering, session, questions, prompts, fitting, ready, reading);
                    profiling
                            .stop()
                            .ifPresent(times -> console.note(times.table().stripTrailing()));
                } else {
                    Outcome outcome = answering.answer(
                            session,
                            prompts.getFirst(),
                            session.recalled().tokens(),
                            answers,
                            fitting,
                            !output.json,
                            ready,
                            reading);
                    GenerateCommand.print(
                            console, answering.json(outcome, n != null), outcome, output.json, profiling.stop());
                }
            }
        }
    }

    /** What is different where several hosts share the documents. */
    private void prepare(Communicator hosts) {
        if (shownPassages != null) {
            throw bad("--show-reading tells where one process read, and here " + hosts.size()
                    + " share the text: leave the option out.");
        }
        if (sessionChoice.prefill == null) {
            sessionChoice.prefill = EXACT_ON_HOSTS;
        }
        computeChoice.shareProcessors();
    }

    private Opened open(Surroundings surroundings) {
        ModelChoice.Located located = modelChoice.locate(surroundings);
        long began = System.nanoTime();
        Model model = repackChoice.open(surroundings, located, computeChoice.options());
        return new Opened(located, model, (System.nanoTime() - began) / 1e9);
    }

    /** What the first rank was told, where hosts share the documents: all have to do the same. */
    private static List<String> told(Optional<Communicator> hosts, List<String> texts) {
        return hosts.map(ranks -> HostTexts.told(ranks, texts)).orElse(texts);
    }

    private static boolean told(Optional<Communicator> hosts, boolean choice) {
        return hosts.map(ranks -> HostTexts.told(ranks, choice)).orElse(choice);
    }

    private String systemText() {
        return system == null ? "" : system;
    }

    /** What a name stands for that takes the place of the documents. */
    private Optional<KeptDocument> named(Surroundings surroundings, List<String> documents) {
        Optional<String> name =
                documents.stream().filter(CacheChoice::isKeptName).findFirst();
        if (name.isEmpty()) {
            return Optional.empty();
        }
        if (surroundings.hosts().isPresent()) {
            throw bad(name.get() + " was read by one process, and here several share a text: name the documents, or ask"
                    + " without the launcher.");
        }
        if (documents.size() > 1) {
            throw bad(name.get() + " is a whole reading, so it stands alone: read the documents together with \"lectern"
                    + " read DOCUMENT DOCUMENT --as NAME\".");
        }
        return Optional.of(cacheChoice.store(surroundings).document(name.get().substring(1)));
    }

    /** What is not asked for otherwise is as when the document was read. */
    private void readAsItWas(KeptDocument document) {
        if (system != null && !system.equals(document.system())) {
            throw bad("--system: @" + document.name()
                    + " was read behind another text; leave the option out, or read it" + " again with this one.");
        }
        modelChoice.model = modelChoice.model == null ? document.model() : modelChoice.model;
        sessionChoice.readAs(document.options());
        computeChoice.readAs(document.options());
    }

    /** Refuses a model for which the document's tokens mean something else. */
    private static void requireSameModel(Model model, ModelChoice.Located located, KeptDocument document) {
        Map<String, String> now = model.keptFields(SessionOptions.DEFAULT, 0);
        for (String field : List.of("model", "tokenizer")) {
            if (!Objects.equals(now.get(field), document.fields().get(field))) {
                throw bad("@" + document.name() + " was read with the model " + document.model() + ", and "
                        + located.name() + " is another: leave --model out, or read the document again with it.");
            }
        }
    }

    /** Forks for each question. */
    private void answerAll(
            Console console,
            Answering answering,
            Session session,
            List<String> questions,
            List<Prompt> prompts,
            GenerateOptions options,
            long ready,
            double reading) {
        int shared = session.length();
        for (int i = 0; i < prompts.size(); i++) {
            try (Session fork = session.fork()) {
                Outcome outcome = answering.answer(
                        fork,
                        prompts.get(i),
                        i == 0 ? session.recalled().tokens() : shared,
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
            List<String> questions = StandardInput.withoutMark(
                            surroundings.console().in().file(questionsFile))
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
        String question =
                StandardInput.withoutMark(surroundings.console().in().all()).strip();
        if (question.isEmpty()) {
            throw bad("There is no question: put it last, in quotes, or on standard input.");
        }
        return new Request(arguments, List.of(question));
    }

    private static boolean isFile(String argument) {
        try {
            return argument.equals("-") || CacheChoice.isKeptName(argument) || Files.exists(Path.of(argument));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static LecternException bad(String sentence) {
        return new LecternException(LecternException.Kind.BAD_OPTION, sentence);
    }
}
