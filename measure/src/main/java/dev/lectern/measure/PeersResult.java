package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.StringWriter;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.PrettyPrinter;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.util.DefaultPrettyPrinter;

/**
 * What {@link PeersBench} measured of one model.
 *
 * @param setting what was measured
 * @param provenance of the whole; its date is when it ended
 * @param speeds of both engines; not kept in the file's reading
 * @param comparisons the rows
 * @param leftOut sentences that say which row was not measured, and why
 * @param load the highest load of the system, over a minute; NaN where it does not tell
 */
public record PeersResult(
        Setting setting,
        Provenance provenance,
        List<EngineSpeed> speeds,
        List<Comparison> comparisons,
        List<String> leftOut,
        double load) {
    private static final JsonFactory JSON = JsonFactory.builder().build();

    /**
     * What is measured: sizes, turns and programs.
     *
     * @param sha256 of the model, where it is known
     * @param threads of both engines
     * @param depth tokens cached before the deep rows
     * @param promptTokens read in one go
     * @param decodeTokens decoded after them
     * @param repacked whether Lectern used a copy of the weights in a layout of its own, as it does unless told otherwise
     * @param lectern its version
     * @param peer version of the package llama-cpp-python
     * @param peerSystem the instructions that llama.cpp was built for, in its own words
     */
    public record Setting(
            String model,
            Optional<String> sha256,
            long modelBytes,
            int threads,
            int pairs,
            int depth,
            int promptTokens,
            int decodeTokens,
            boolean repacked,
            String lectern,
            String peer,
            String peerSystem) {
        /** The command that measures it. */
        String command(List<PeerRow> rows) {
            List<String> some = rows.stream().distinct().map(PeerRow::key).toList();
            return "lectern bench peers --model " + model + " --pairs " + pairs + " --threads " + threads
                    + sizes(" --", " ")
                    + (repacked ? "" : " --no-repack")
                    + (some.size() == PeerRow.values().length ? "" : " --rows " + String.join(",", some));
        }

        /** Sizes that are not the usual ones, each with its name. */
        private String sizes(String before, String between) {
            return (depth == PeersOptions.DEPTH ? "" : before + "depth" + between + depth)
                    + (promptTokens == PeersOptions.PROMPT_TOKENS
                            ? ""
                            : before + "prompt-tokens" + between + promptTokens)
                    + (decodeTokens == PeersOptions.DECODE_TOKENS
                            ? ""
                            : before + "decode-tokens" + between + decodeTokens);
        }
    }

    /** The speed of one of the engines: {@code lectern} or {@code llama.cpp}. */
    public record EngineSpeed(String engine, SpeedResult speed) {}

    public PeersResult {
        speeds = List.copyOf(speeds);
        comparisons = List.copyOf(comparisons);
        leftOut = List.copyOf(leftOut);
    }

    /** Where it was measured. */
    public Machine machine() {
        return provenance.machine();
    }

    /** Whether other programs were working too, as far as the system tells. */
    public boolean busy() {
        return load > machine().cores() + 0.5;
    }

    /**
     * Whether a row reached its target. A busy machine says nothing about that, but for memory: threads that wait for each other lose more than others when a core is taken away,
     * and the two engines wait differently.
     *
     * @return empty where there is no target, or no telling
     */
    public Optional<Boolean> reached(Comparison comparison) {
        return busy() && comparison.row().unit() != PeerRow.Unit.BYTES ? Optional.empty() : comparison.reached();
    }

    /**
     * The name of its file, without ending, for the model, the processor and the vectors, and sizes that are not the usual ones: {@code peers-smollm2-135m-amd-epyc-512-bit},
     * {@code peers-smollm2-135m-amd-epyc-512-bit-depth-1024}.
     */
    public String name() {
        return "peers-" + AtomicFile.plain(setting.model()) + "-"
                + AtomicFile.plain(machine().cpu().replaceAll("\\([^)]*\\)", "")) + "-"
                + machine().vectorBits() + "-bit" + setting.sizes("-", "-");
    }

    /** The object of {@code --json} for the results of several models on one machine, on one line. */
    public static String toJson(List<PeersResult> all) {
        return json(all, ObjectWriteContext.empty());
    }

    /** The same of this one, for a file that people read too. */
    String toIndentedJson() {
        return json(List.of(this), new ObjectWriteContext.Base() {
                    @Override
                    public PrettyPrinter getPrettyPrinter() {
                        return new DefaultPrettyPrinter();
                    }
                })
                + "\n";
    }

    private static String json(List<PeersResult> all, ObjectWriteContext context) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(context, text)) {
            json.writeStartObject();
            json.writeArrayPropertyStart("results");
            all.forEach(result -> result.speeds.forEach(speed -> {
                json.writeStartObject();
                speed.speed().writeMembers(json);
                json.writeStringProperty("engine", speed.engine());
                json.writeEndObject();
            }));
            json.writeEndArray();
            json.writeArrayPropertyStart("ratios");
            all.forEach(result -> result.comparisons.forEach(comparison -> result.write(json, comparison)));
            json.writeEndArray();
            json.writeArrayPropertyStart("settings");
            all.forEach(result -> result.writeSetting(json));
            json.writeEndArray();
            json.writeName("machine");
            all.getFirst().machine().write(json);
            json.writeEndObject();
        }
        return text.toString();
    }

    private void write(JsonGenerator json, Comparison comparison) {
        Statistics ratio = comparison.ratio();
        json.writeStartObject();
        json.writeStringProperty("model", setting.model());
        json.writeStringProperty("row", comparison.row().key());
        json.writeStringProperty("what", comparison.what());
        writeNumbers(json, "lectern", comparison.lectern());
        writeNumbers(json, "peer", comparison.peer());
        json.writeNumberProperty("ratio", ratio.median());
        json.writeNumberProperty("low", ratio.min());
        json.writeNumberProperty("high", ratio.max());
        json.writeName("target");
        if (comparison.target().isPresent()) {
            json.writeNumber(comparison.target().getAsDouble());
        } else {
            json.writeNull();
        }
        json.writeName("reached");
        reached(comparison).ifPresentOrElse(json::writeBoolean, json::writeNull);
        json.writeEndObject();
    }

    private void writeSetting(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("model", setting.model());
        json.writeName("sha256");
        setting.sha256().ifPresentOrElse(json::writeString, json::writeNull);
        json.writeNumberProperty("modelBytes", setting.modelBytes());
        json.writeNumberProperty("threads", setting.threads());
        json.writeNumberProperty("pairs", setting.pairs());
        json.writeNumberProperty("depth", setting.depth());
        json.writeNumberProperty("promptTokens", setting.promptTokens());
        json.writeNumberProperty("decodeTokens", setting.decodeTokens());
        json.writeBooleanProperty("repacked", setting.repacked());
        json.writeStringProperty("lectern", setting.lectern());
        json.writeStringProperty("llamaCppPython", setting.peer());
        json.writeStringProperty("llamaCppSystem", setting.peerSystem());
        json.writeStringProperty("command", provenance.command());
        json.writeStringProperty("commit", provenance.commit());
        json.writeStringProperty("date", provenance.date().toString());
        json.writeArrayPropertyStart("leftOut");
        leftOut.forEach(json::writeString);
        json.writeEndArray();
        json.writeName("load");
        if (Double.isNaN(load)) {
            json.writeNull();
        } else {
            json.writeNumber(load);
        }
        json.writeEndObject();
    }

    private static void writeNumbers(JsonGenerator json, String name, List<Double> numbers) {
        json.writeArrayPropertyStart(name);
        numbers.forEach(json::writeNumber);
        json.writeEndArray();
    }

    /** Reads what {@link #toIndentedJson()} wrote, all but the speeds, and files of before results named their commit; empty where the bytes are something else. */
    static Optional<PeersResult> fromJson(byte[] bytes) {
        try {
            JsonFields json = JsonFields.of(Json.parse(bytes));
            JsonFields fields = json.objects("settings").getFirst();
            List<Comparison> comparisons = new ArrayList<>();
            for (JsonFields ratio : json.objects("ratios")) {
                double target = ratio.optionalNumber("target");
                comparisons.add(new Comparison(
                        PeerRow.of(ratio.text("row")),
                        ratio.text("what"),
                        ratio.numbers("lectern"),
                        ratio.numbers("peer"),
                        Double.isNaN(target) ? OptionalDouble.empty() : OptionalDouble.of(target)));
            }
            Setting setting = new Setting(
                    fields.text("model"),
                    fields.optionalText("sha256"),
                    fields.whole("modelBytes"),
                    Math.toIntExact(fields.whole("threads")),
                    Math.toIntExact(fields.whole("pairs")),
                    size(fields, "depth", PeersOptions.DEPTH),
                    size(fields, "promptTokens", PeersOptions.PROMPT_TOKENS),
                    size(fields, "decodeTokens", PeersOptions.DECODE_TOKENS),
                    fields.flag("repacked"),
                    fields.text("lectern"),
                    fields.text("llamaCppPython"),
                    fields.text("llamaCppSystem"));
            boolean known = fields.has("commit");
            return Optional.of(new PeersResult(
                    setting,
                    new Provenance(
                            known
                                    ? fields.text("command")
                                    : setting.command(comparisons.stream()
                                            .map(Comparison::row)
                                            .toList()),
                            known ? fields.text("commit") : Provenance.UNKNOWN,
                            Machine.read(json.object("machine")),
                            Instant.parse(fields.text("date"))),
                    List.of(),
                    comparisons,
                    fields.texts("leftOut"),
                    fields.optionalNumber("load")));
        } catch (MalformedJsonException
                | IllegalArgumentException
                | ArithmeticException
                | DateTimeException
                | NoSuchElementException
                | LecternException e) {
            return Optional.empty();
        }
    }

    /** Files that do not name a size are of the usual one. */
    private static int size(JsonFields fields, String name, int usual) {
        return fields.has(name) ? Math.toIntExact(fields.whole(name)) : usual;
    }
}
