package dev.lectern.measure;

import dev.lectern.AttentionShape;
import dev.lectern.BadModelFileException;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.measure.tasks.Task;
import dev.lectern.weights.SafetensorsFile;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * What the attention of some layers of a model saw of one text: all keys and values, and the queries and outputs of chosen positions. A method
 * of attention can be judged by it without a model. The text is read through an f32 cache and attended to exactly.
 *
 * <p>It is a safetensors file, which other programs read too. Of each layer L it has, all F32:
 *
 * <ul>
 *   <li>{@code layers.L.k}, {@code layers.L.k_pre}, {@code layers.L.v}, each {@code [kvHeads][tokens][headDim]}: keys after and before RoPE, values
 *   <li>{@code layers.L.q}, {@code layers.L.q_pre}, {@code layers.L.o}, each {@code [positions][heads][headDim]}: queries after and before RoPE,
 *       outputs
 * </ul>
 *
 * and {@code tokens} and {@code positions}, I32. {@code __metadata__} has, as strings: {@code format}, {@code model}, {@code sha256}, {@code heads},
 * {@code kvHeads}, {@code headDim}, {@code windows} (of all layers of the model, with commas; 0 for none), {@code ropeScaling} (with which the model was opened; empty
 * for its own), {@code lectern} (its version), {@code date}.
 */
public final class AttentionRecording implements AutoCloseable {
    /** So many positions at the end of a text are always kept: half of them to judge methods by, and before these those that a method may learn from. */
    public static final int LAST = 128;

    /** Tokens of an answer that are recorded. */
    private static final int ANSWER = 16;

    private static final String FORMAT = "lectern attention 1";
    private static final Pattern KEYS = Pattern.compile("layers\\.(0|[1-9]\\d{0,5})\\.k");
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final SafetensorsFile file;
    private final String path;
    private final AttentionShape shape;
    private final int[] tokens;
    private final int[] positions;
    private final Map<Integer, Layer> layers = new TreeMap<>();

    /** What is kept of a layer. */
    enum Part {
        KEYS("k", true),
        KEYS_BEFORE_ROPE("k_pre", true),
        VALUES("v", true),
        QUERIES("q", false),
        QUERIES_BEFORE_ROPE("q_pre", false),
        OUTPUTS("o", false);

        private final String suffix;
        private final boolean ofKeysOrValues;

        Part(String suffix, boolean ofKeysOrValues) {
            this.suffix = suffix;
            this.ofKeysOrValues = ofKeysOrValues;
        }

        /** Whether it is of all tokens and the kv heads; otherwise of chosen positions and all heads. */
        boolean ofKeysOrValues() {
            return ofKeysOrValues;
        }

        String tensor(int layer) {
            return "layers." + layer + "." + suffix;
        }
    }

    /**
     * One layer.
     *
     * @param keys {@code [kvHeads][tokens][headDim]} after RoPE
     * @param keysBeforeRope {@code [kvHeads][tokens][headDim]}
     * @param values {@code [kvHeads][tokens][headDim]}
     * @param queries {@code [positions][heads][headDim]} after RoPE
     * @param queriesBeforeRope {@code [positions][heads][headDim]}
     * @param outputs {@code [positions][heads][headDim]}: exact attention of these queries to these keys and values
     */
    public record Layer(
            Vectors keys,
            Vectors keysBeforeRope,
            Vectors values,
            Vectors queries,
            Vectors queriesBeforeRope,
            Vectors outputs) {}

    private AttentionRecording(SafetensorsFile file, String path) {
        this.file = file;
        this.path = path;
        if (!FORMAT.equals(file.metadata().get("format"))) {
            throw bad("it is not a recording of attention, whose \"format\" is \"" + FORMAT + "\"");
        }
        shape = readShape();
        tokens = integers("tokens");
        positions = integers("positions");
        for (int i = 0; i < positions.length; i++) {
            if (positions[i] <= (i == 0 ? -1 : positions[i - 1]) || positions[i] >= tokens.length) {
                throw bad("\"positions\" are not ascending places in its " + tokens.length + " tokens");
            }
        }
        for (String name : file.tensors().keySet()) {
            Matcher matcher = KEYS.matcher(name);
            if (matcher.matches()) {
                int layer = Integer.parseInt(matcher.group(1));
                layers.put(layer, readLayer(layer));
            }
        }
        if (layers.isEmpty()) {
            throw bad("it has no layer");
        }
    }

    /**
     * Reads a text with a model and records it.
     *
     * @param subject the model's name and origin
     * @param options with which the model was opened
     * @param tokens the text
     * @param layers which; none stands for all
     * @param positions whose queries and outputs are kept, beside those of the last {@value #LAST} tokens
     * @param file written whole or not at all
     * @param progress in tokens
     * @throws LecternException of kind {@code BAD_OPTION} if a layer or a position does not exist; {@code TOO_LONG} if the model cannot hold the
     *     text; {@code NO_SPACE} before anything is read, if the disk cannot hold the file; {@code NO_MEMORY} if the keys and values do not fit
     */
    public static void record(
            BenchModel subject,
            Model model,
            ModelOptions options,
            int[] tokens,
            List<Integer> layers,
            int[] positions,
            Path file,
            Progress progress,
            Cancellation cancellation) {
        record(subject, model, options, tokens, 0, layers, positions, file, progress, cancellation);
    }

    /** @param more tokens that the model adds to the text, greedily */
    private static void record(
            BenchModel subject,
            Model model,
            ModelOptions options,
            int[] text,
            int more,
            List<Integer> layers,
            int[] positions,
            Path file,
            Progress progress,
            Cancellation cancellation) {
        int[] tokens = Arrays.copyOf(text, text.length + more);
        AttentionShape shape = model.attentionShape();
        TreeSet<Integer> chosen = new TreeSet<>(layers);
        if (chosen.isEmpty()) {
            IntStream.range(0, shape.layers()).forEach(chosen::add);
        }
        if (chosen.first() < 0 || chosen.last() >= shape.layers()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "Layers " + chosen + " are asked for, but " + subject.name() + " has layers 0 to "
                            + (shape.layers() - 1) + ".");
        }
        if (tokens.length == 0 || tokens.length > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "The text has " + tokens.length + " tokens, but " + subject.name() + " reads 1 to "
                            + model.context() + ".");
        }
        int[] places = withLast(positions, tokens.length);
        Map<String, String> metadata = metadata(subject, options, shape, cancellation);
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>(List.of(
                new SafetensorsWriter.Tensor("tokens", "I32", List.of(tokens.length)),
                new SafetensorsWriter.Tensor("positions", "I32", List.of(places.length))));
        for (int layer : chosen) {
            tensors.addAll(AttentionRecorder.tensors(layer, shape, tokens.length, places.length));
        }
        try (Session session = model.newSession(
                        SessionOptions.DEFAULT.withContext(tokens.length).withKv("f32"));
                SafetensorsWriter writer = new SafetensorsWriter(file, metadata, tensors)) {
            writer.write("positions", places);
            session.observe(new AttentionRecorder(writer, shape, tokens.length, chosen, places, cancellation));
            session.read(text, progress, cancellation);
            for (int i = text.length; i < tokens.length; i++) {
                tokens[i] = LogProbs.likeliest(session.logits());
                model.step(List.of(session), new int[] {tokens[i]}, cancellation);
            }
            writer.write("tokens", tokens);
            writer.finish();
        }
    }

    /**
     * Reads the first tokens of a text with a model and records it.
     *
     * @param count of tokens; 0 for all
     * @throws LecternException as the other {@code record} does; of kind {@code BAD_OPTION} if the text has fewer tokens than are asked for
     */
    public static void record(
            BenchModel subject,
            ModelOptions options,
            String text,
            int count,
            List<Integer> layers,
            Path file,
            Progress progress,
            Cancellation cancellation) {
        try (Model model = subject.open(options)) {
            int[] tokens = PerplexityEval.tokens(model, subject.name(), text, count);
            record(subject, model, options, tokens, layers, new int[0], file, progress, cancellation);
        }
    }

    /**
     * Reads a prompt about a long text with a model, lets it begin its answer, greedily, and records both: what a method of attention meets where it is used.
     *
     * @param task whose first sample it is, of one length
     * @param progress in tokens
     * @throws LecternException as the other {@code record} does; of kind {@code BAD_OPTION} if several tasks or lengths are asked for, or the length is too short
     */
    public static void recordAnswer(
            BenchModel subject,
            ModelOptions options,
            TaskOptions task,
            List<Integer> layers,
            Path file,
            Progress progress,
            Cancellation cancellation) {
        int length = task.lengths().getFirst();
        List<Task> tasks = task.tasks(length);
        if (tasks.size() > 1 || task.lengths().size() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "One prompt is recorded, so --task and --length name one task and one length.");
        }
        try (Model model = subject.open(options)) {
            TaskEval.requireRoom(model, subject.name(), length);
            int[] prompt =
                    TaskPrompt.of(model, task, tasks.getFirst(), length, 0).tokens();
            int more = Math.min(ANSWER, model.context() - prompt.length);
            record(subject, model, options, prompt, more, layers, new int[0], file, progress, cancellation);
        }
    }

    private static int[] withLast(int[] positions, int tokens) {
        for (int position : positions) {
            if (position < 0 || position >= tokens) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "Position " + position + " is asked for, but the text has positions 0 to " + (tokens - 1)
                                + ".");
            }
        }
        return IntStream.concat(Arrays.stream(positions), IntStream.range(Math.max(0, tokens - LAST), tokens))
                .sorted()
                .distinct()
                .toArray();
    }

    private static Map<String, String> metadata(
            BenchModel subject, ModelOptions options, AttentionShape shape, Cancellation cancellation) {
        Map<String, String> metadata = new LinkedHashMap<>();
        metadata.put("format", FORMAT);
        metadata.put("model", subject.name());
        metadata.put("sha256", ModelDigest.of(subject, cancellation));
        metadata.put("heads", Integer.toString(shape.heads()));
        metadata.put("kvHeads", Integer.toString(shape.kvHeads()));
        metadata.put("headDim", Integer.toString(shape.headDim()));
        metadata.put("windows", shape.windows().stream().map(String::valueOf).collect(Collectors.joining(",")));
        metadata.put("ropeScaling", options.ropeScaling().orElse(""));
        metadata.put("lectern", version());
        metadata.put("date", Instant.now().truncatedTo(ChronoUnit.SECONDS).toString());
        return metadata;
    }

    /** That of Lectern, as files tell it. */
    static String version() {
        return Optional.ofNullable(AttentionRecording.class.getPackage().getImplementationVersion())
                .orElse("(not packaged)");
    }

    /**
     * Opens a recording; its vectors are mapped, not read.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if there is no such file
     * @throws BadModelFileException if it is damaged, lies about itself or is no recording
     */
    public static AttentionRecording open(Path path) {
        SafetensorsFile file = SafetensorsFile.open(path, "record it again");
        try {
            return new AttentionRecording(file, path.toString());
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private AttentionShape readShape() {
        List<Integer> windows = Stream.of(text("windows").split(","))
                .map(w -> whole("windows", w, 0))
                .toList();
        AttentionShape shape = new AttentionShape(
                whole("heads", text("heads"), 1),
                whole("kvHeads", text("kvHeads"), 1),
                whole("headDim", text("headDim"), 1),
                windows);
        if (shape.heads() % shape.kvHeads() != 0) {
            throw bad("its " + shape.heads() + " heads are no multiple of its " + shape.kvHeads() + " kv heads");
        }
        return shape;
    }

    private String text(String name) {
        String text = file.metadata().get(name);
        if (text == null) {
            throw bad("its \"__metadata__\" has no \"" + name + "\"");
        }
        return text;
    }

    private int whole(String name, String digits, int least) {
        try {
            int number = Integer.parseInt(digits);
            if (number >= least) {
                return number;
            }
        } catch (NumberFormatException e) {
            // Refused below, as a number that is too small is.
        }
        throw bad("its \"" + name + "\" has something that is not a whole number of at least " + least);
    }

    private int[] integers(String name) {
        SafetensorsFile.Tensor tensor = file.tensors().get(name);
        if (tensor == null
                || !tensor.type().equals("I32")
                || tensor.shape().size() != 1
                || tensor.shape().getFirst() > Integer.MAX_VALUE / Integer.BYTES) {
            throw bad("it has no \"" + name + "\" of type I32 with one dimension");
        }
        return tensor.bytes().toArray(INT);
    }

    private Layer readLayer(int layer) {
        if (layer >= shape.layers()) {
            throw bad("it has a layer " + layer + ", but the model has " + shape.layers());
        }
        return new Layer(
                vectors(Part.KEYS, layer),
                vectors(Part.KEYS_BEFORE_ROPE, layer),
                vectors(Part.VALUES, layer),
                vectors(Part.QUERIES, layer),
                vectors(Part.QUERIES_BEFORE_ROPE, layer),
                vectors(Part.OUTPUTS, layer));
    }

    private Vectors vectors(Part part, int layer) {
        String name = part.tensor(layer);
        int rows = part.ofKeysOrValues() ? shape.kvHeads() : positions.length;
        int columns = part.ofKeysOrValues() ? tokens.length : shape.heads();
        List<Long> expected = List.of((long) rows, (long) columns, (long) shape.headDim());
        SafetensorsFile.Tensor tensor = file.tensors().get(name);
        if (tensor == null || !tensor.type().equals("F32") || !tensor.shape().equals(expected)) {
            throw bad("it has no \"" + name + "\" of type F32 and shape " + expected);
        }
        return new Vectors(tensor.bytes(), rows, columns, shape.headDim());
    }

    private BadModelFileException bad(String problem) {
        return new BadModelFileException(path, problem + "; record it again.");
    }

    /** What the model is called. */
    public String model() {
        return text("model");
    }

    /** The SHA-256 of the model's file. */
    public String digest() {
        return text("sha256");
    }

    /** Of the whole model, layers that are not recorded included. */
    public AttentionShape shape() {
        return shape;
    }

    /** The text. */
    public int[] tokens() {
        return tokens.clone();
    }

    /** The positions whose queries and outputs are here, ascending. */
    public int[] positions() {
        return positions.clone();
    }

    /** The layers that are here, ascending. */
    public List<Integer> layers() {
        return List.copyOf(layers.keySet());
    }

    /** One layer of those that are here. */
    public Layer layer(int layer) {
        Layer found = layers.get(layer);
        if (found == null) {
            throw new IllegalArgumentException("layer " + layer + " is not one of " + layers());
        }
        return found;
    }

    /** Unmaps the file. */
    @Override
    public void close() {
        file.close();
    }
}
