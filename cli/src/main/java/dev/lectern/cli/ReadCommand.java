package dev.lectern.cli;

import dev.lectern.Kept;
import dev.lectern.KeptDocument;
import dev.lectern.KeptReadings;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Recall;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.TextIndex;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Retentions;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lectern read}. */
@Command(
        name = "read",
        customSynopsis = "lectern read [OPTIONS] DOCUMENT…",
        description = {
            "Read documents and keep what was read, under a name.",
            "",
            "\"lectern ask @NAME QUESTION\" then answers in the time of the question alone, today and tomorrow. A reading that"
                    + " is interrupted goes on where it was, when it is begun again. With --attention what that method keeps of"
                    + " a text is made and kept too; ask makes and keeps the first time what is missing. The text is kept whole:"
                    + " --keep snapkv says what ask @NAME does unless told otherwise, and h2o, which has to see a text being"
                    + " read, is refused.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern read report.pdf",
            "  lectern read minutes.md agenda.txt --as meeting --kv chl-8",
            "  lectern ask @meeting \"What was agreed?\"",
            "",
            "The object of --json: name, tokens, kept {outcome (hit, partial or miss), tokens (not read again), why,"
                    + " seconds (of finding it)}, index"
                    + " {outcome (made, loaded or none), bytes, written, why}, written"
                    + " {pages, bytes}, seconds {load, reading, total}, bytes {kv}, model {name, sha256, context}, methods"
                    + " {prefill, attention, kv, retention}."
        })
final class ReadCommand implements Verb {
    @Parameters(
            arity = "1..*",
            paramLabel = "DOCUMENT",
            description = "The documents (.txt, .md, .html, .pdf; - is standard input).")
    List<String> arguments = new ArrayList<>();

    @Option(
            names = "--as",
            paramLabel = "NAME",
            description = {
                "What it is called from now on: a-z, 0-9 and . _ -. Default: the",
                "name of the first document, without its ending."
            })
    @Nullable
    String name;

    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = {"What the model is told before the documents. Default: nothing."})
    @Nullable
    String system;

    @Mixin
    ModelChoice modelChoice = new ModelChoice();

    @Mixin
    SessionChoice sessionChoice = new SessionChoice();

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Mixin
    CacheChoice cacheChoice = new CacheChoice();

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        if (!cacheChoice.isOn()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--no-cache keeps nothing, and read is for keeping: leave it out, or use \"lectern ask\".");
        }
        String called = name == null ? nameOf(arguments.getFirst()) : name;
        KeptDocument.requireName(called);
        SessionOptions options = sessionChoice.options();
        requireKept(options.keep());
        computeChoice.options();
        List<String> documents = Wording.documents(DocumentFiles.read(surroundings, arguments));
        ModelChoice.Located located = modelChoice.locate(surroundings);
        long began = System.nanoTime();
        try (Model model = repackChoice.open(surroundings, located, computeChoice.options())) {
            double load = Answering.seconds(began);
            String told = system == null ? "" : system;
            Prompt prompt = Prompt.ofDocuments(model, told, documents, "?", Optional.empty());
            int[] text = Arrays.copyOf(prompt.tokens(), prompt.shared());
            Lengths lengths = Lengths.of(
                    located.name(),
                    model.context(),
                    text.length,
                    1,
                    GenerateCommand.asked(sessionChoice.context),
                    surroundings.hub().catalogue());
            KeptReadings kept = cacheChoice.store(surroundings);
            Answering answering = new Answering(surroundings, model, located, load);
            try (Session session = answering.open(options, lengths, 1, text, Optional.of(kept))) {
                double reading = answering.readText(session, text, true, false);
                Kept written = answering.written();
                if (written.failure().isPresent()) {
                    throw written.failure().get();
                }
                Map<String, String> chosen = SessionChoice.described(options);
                if (computeChoice.ropeScaling != null) {
                    chosen.put("rope-scaling", computeChoice.ropeScaling);
                }
                kept.name(
                        new KeptDocument(
                                called,
                                located.sha256().isPresent()
                                        ? located.name()
                                        : located.path().toAbsolutePath().toString(),
                                chosen,
                                arguments,
                                told,
                                text,
                                model.keptFields(options.withContext(lengths.context()), text.length),
                                Instant.now().truncatedTo(ChronoUnit.SECONDS)),
                        session);
                print(surroundings, called, text.length, session, written, load, reading, answering);
            }
        }
    }

    /**
     * Refuses a way to drop tokens for which a kept text does not have what it goes by. The text itself is kept whole, with its last queries; which tokens stay is chosen by each
     * question.
     */
    private static void requireKept(String keep) {
        Retentions.named(keep).filter(Retention::needsSums).ifPresent(retention -> {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--keep " + retention.name()
                            + " goes by how much each token of a text was looked at while it was read, which is not kept"
                            + " with it: give --keep snapkv or --keep all, or \"lectern ask --no-cache\" the documents.");
        });
    }

    private void print(
            Surroundings surroundings,
            String called,
            int tokens,
            Session session,
            Kept written,
            double load,
            double reading,
            Answering answering) {
        Recall recall = session.recalled();
        TextIndex index = answering.index();
        if (!output.json) {
            int read = tokens - recall.tokens();
            String how = read == 0
                    ? "all of them were kept already"
                    : "read " + read + " in " + Units.seconds(reading) + " (" + Units.rate(read / reading)
                            + " tokens/s)"
                            + (recall.tokens() > 0 ? " after " + recall.tokens() + " that were kept" : "") + ", wrote "
                            + Units.bytes(written.bytes() + index.written());
            surroundings
                    .console()
                    .printLine("@" + called + ": " + tokens + " tokens, " + how
                            + (index.outcome() == TextIndex.Outcome.NONE
                                    ? ""
                                    : "; index of " + Units.bytes(index.bytes()) + " "
                                            + index.outcome().name().toLowerCase(Locale.ROOT) + " (" + index.why()
                                            + ")")
                            + ". Ask it: lectern ask @" + called
                            + " \"QUESTION\"");
            return;
        }
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("name", called);
        object.put("tokens", tokens);
        object.put("kept", answering.members(recall));
        object.put("index", Answering.members(answering.index()));
        object.put("written", Map.of("pages", written.pages(), "bytes", written.bytes()));
        Map<String, Object> seconds = new LinkedHashMap<>();
        seconds.put("load", Answering.rounded(load));
        seconds.put("reading", Answering.rounded(reading));
        seconds.put("total", Answering.rounded(surroundings.uptime().getAsDouble()));
        object.put("seconds", seconds);
        object.put("bytes", Map.of("kv", session.bytes()));
        object.put("model", answering.modelMembers());
        object.put("methods", session.methods());
        surroundings.console().printLine(JsonText.of(object));
    }

    /** A name from that of a file. */
    static String nameOf(String document) {
        if (document.equals("-")) {
            return "standard-input";
        }
        Path file = Path.of(document).getFileName();
        String base = String.valueOf(file).replaceFirst("(?<=.)\\.[^.]*$", "").toLowerCase(Locale.ROOT);
        String plain = base.replaceAll("[^a-z0-9._-]+", "-").replaceFirst("^[.-]+", "");
        return plain.isEmpty() ? "document" : plain.substring(0, Math.min(100, plain.length()));
    }
}
