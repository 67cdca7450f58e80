package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.kernel.Workers;
import dev.lectern.prefill.RetainingHeads;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/**
 * Trains the {@link RetainingHeads} of a model. It reads texts exactly, over an f32 cache, and then what follows them, an answer; keeps features and labels of some tokens; learns each layer by itself from them; and tells of
 * texts that it has not learned from how many of the tokens that their answers looked at most the heads find.
 *
 * <p>Source: Huang et al., "Locret" (arXiv 2410.01805), sections 3.2 and 4.1: loss, AdamW with β of 0.9 and 0.95, linear decay, clipping by value; the tenth of the steps for warming up is APB's (arXiv 2502.12085, section 4.1). Deviations:
 * features are scaled to a mean square of 1 while a layer learns, which is put into W1 afterwards, for biases make some a hundred times as long as others; and of each text only runs of {@value HeadFeatures#RUN} tokens are
 * kept, as many as the memory holds, so that a step is of tokens of several texts, and the paper's of one whole text.
 */
public final class HeadTraining {
    /** What files call the method. */
    private static final String METHOD = Calibrated.RETAINING_HEADS;

    /** Runs in a step. */
    private static final int BATCH = 8;

    /** One of so many texts is not learned from. */
    private static final int HELD_OUT = 10;

    private static final double SMOOTHING = 0.0025;
    private static final double WARM_UP = 0.1;

    /** What learning from a token once takes of the time in which one is read. */
    private static final double LEARNING = 0.2;

    private final Model model;
    private final HeadOptions options;
    private final AttentionShape shape;
    private final Work work;
    private final Cancellation cancellation;

    private HeadTraining(Model model, HeadOptions options, Progress progress, Cancellation cancellation) {
        this.model = model;
        this.options = options;
        this.cancellation = cancellation;
        shape = model.attentionShape();
        work = new Work(progress);
    }

    /** What was learned of a layer, and the loss of the first and of the last tenth of the steps. */
    private record Learned(List<Calibration.Table> tables, double first, double last) {}

    /**
     * Trains, writes the file in which {@code apb:compressor=heads} finds them, and looks how good they are.
     *
     * @param model opened with a folder of calibrations
     * @param name of the model
     * @param texts to learn from, in pieces of {@code options.tokens()}; empty for RULER-like prompts
     * @param progress in units of about the same time each
     * @throws LecternException of kind {@code BAD_OPTION} if the model cannot read in blocks or has no chat template for prompts, {@code BAD_DOCUMENT} if the texts are too short, {@code TOO_LONG} if a piece is
     *     longer than the model's context, {@code NO_MEMORY} if the memory does not hold a run of each text, {@code NO_SPACE} if the disk does not hold the file
     */
    public static HeadTrainingResult run(
            Model model,
            String name,
            List<String> texts,
            HeadOptions options,
            Progress progress,
            Cancellation cancellation) {
        Path file = model.calibration(METHOD);
        HeadTraining training = new HeadTraining(model, options, progress, cancellation);
        training.requireModel();
        return training.run(name, file, texts);
    }

    /**
     * Trains those of a model from RULER-like prompts.
     *
     * @param command that has this done, for the result
     * @return a result file
     * @throws LecternException as {@link #run} does
     */
    public static String result(
            BenchModel subject,
            ModelOptions modelOptions,
            HeadOptions options,
            String command,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            HeadTrainingResult done = run(model, subject.name(), List.of(), options, progress, cancellation);
            Provenance provenance = Provenance.here(command, modelOptions);
            return done.toJson(new Evaluated(subject.name(), digest, model.threads(), provenance), options.seed());
        }
    }

    /**
     * Trains those of a model from RULER-like prompts, if it has none yet.
     *
     * @throws LecternException as {@link #run} does
     */
    public static void requireTrained(
            BenchModel subject,
            ModelOptions modelOptions,
            HeadOptions options,
            Progress progress,
            Cancellation cancellation) {
        try (Model model = subject.open(modelOptions)) {
            if (!Files.exists(model.calibration(METHOD))) {
                run(model, subject.name(), List.of(), options, progress, cancellation);
            }
        }
    }

    private void requireModel() {
        if (shape.windows().stream().anyMatch(window -> window > 0)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    model.path() + " looks back through windows in some layers, and such models cannot be read in"
                            + " blocks: it needs no retaining heads.");
        }
        if (options.tokens() > model.context()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "--tokens is " + options.tokens() + ", but " + model.path() + " holds " + model.context()
                            + ": ask for no more.");
        }
    }

    private HeadTrainingResult run(String name, Path file, List<String> given) {
        List<HeadText> texts = texts(given);
        List<HeadText> learned = new ArrayList<>(), heldOut = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            boolean apart = i % HELD_OUT == HELD_OUT - 1 || (texts.size() < HELD_OUT && i + 1 == texts.size());
            (apart ? heldOut : learned).add(texts.get(i));
        }
        int runs = (int) Math.min(options.tokens() / HeadFeatures.RUN, options.memory() / bytesOfRuns(learned.size()));
        if (runs < 1) {
            throw new LecternException(
                    LecternException.Kind.NO_MEMORY,
                    "A run of " + HeadFeatures.RUN + " tokens of each of " + learned.size() + " texts takes "
                            + bytesOfRuns(learned.size()) + " bytes, but --memory is " + options.memory()
                            + ": raise it, or learn from fewer texts.");
        }
        long tokens = (long) learned.size() * runs * HeadFeatures.RUN;
        double learning = LEARNING * tokens * options.epochs() / shape.layers();
        work.plan(texts.stream().mapToDouble(HeadTraining::units).sum() + learning * shape.layers());
        try (Arena arena = Arena.ofShared();
                Workers workers = new Workers(model.threads())) {
            HeadFeatures features = new HeadFeatures(arena, shape, Math.multiplyExact(learned.size(), runs));
            SplittableRandom random = new SplittableRandom(options.seed());
            for (HeadText text : learned) {
                HeadFeatures.Text taken = features.new Text(text, runs, random);
                read(text, taken);
                taken.finish();
            }
            Learned[] layers = new Learned[shape.layers()];
            workers.run(layers.length, cancellation, (layer, worker) -> {
                layers[layer] = learn(features, layer);
                synchronized (work) {
                    work.did(learning);
                }
            });
            List<Calibration.Table> tables = new ArrayList<>();
            for (Learned layer : layers) {
                tables.addAll(layer.tables);
            }
            long read = texts.stream().mapToLong(HeadText::tokens).sum();
            ModelCalibration.write(file, ModelCalibration.metadata(model, name, METHOD, read), tables);
            RetainingHeads heads = RetainingHeads.of(Calibrated.read(file, METHOD));
            HeadRecall recall = new HeadRecall(shape, heads, workers, cancellation);
            for (HeadText text : heldOut) {
                HeadRecall.Text looked = recall.new Text(text);
                read(text, looked);
                looked.finish();
            }
            return new HeadTrainingResult(
                    file,
                    tables.stream()
                            .mapToLong(t -> (long) Float.BYTES * t.numbers().length)
                            .sum(),
                    learned.size(),
                    heldOut.size(),
                    read,
                    (long) features.runs() * HeadFeatures.RUN,
                    mean(layers, true),
                    mean(layers, false),
                    recall.rows());
        }
    }

    private static double mean(Learned[] layers, boolean first) {
        double sum = 0;
        for (Learned layer : layers) {
            sum += first ? layer.first : layer.last;
        }
        return sum / layers.length;
    }

    private long bytesOfRuns(int texts) {
        return Math.multiplyExact(HeadFeatures.bytesOfRun(shape), (long) texts);
    }

    private static double units(HeadText text) {
        return Work.reading(0, text.tokens());
    }

    private List<HeadText> texts(List<String> given) {
        List<HeadText> texts = new ArrayList<>();
        for (String text : given) {
            texts.addAll(HeadText.pieces(model.tokenize(text), options.tokens()));
        }
        if (given.isEmpty()) {
            for (int i = 0; i < options.texts(); i++) {
                cancellation.check();
                texts.add(HeadText.ofTask(model, options.tokens(), i, options.seed()));
            }
        }
        if (texts.size() < 2) {
            throw new LecternException(
                    LecternException.Kind.BAD_DOCUMENT,
                    "The texts have " + texts.size() + " pieces of " + HeadText.SHORTEST + " to " + options.tokens()
                            + " tokens, but one is to learn from and one to try what was learned: give longer ones.");
        }
        return texts;
    }

    private void read(HeadText text, AttentionObserver observer) {
        SessionOptions exactly = SessionOptions.DEFAULT.withKv("f32").withContext(text.tokens());
        try (Session session = model.newSession(exactly)) {
            session.observe(observer);
            session.read(text.prompt(), work.reading(0), cancellation);
            session.read(text.answer(), Progress.NONE, cancellation);
        }
        work.did(units(text));
    }

    /** Trains the head of a layer, on one thread. */
    private Learned learn(HeadFeatures features, int layer) {
        int width = HeadFeatures.width(shape), run = HeadFeatures.RUN, outputs = shape.kvHeads();
        int batch = Math.min(BATCH, features.runs()), perEpoch = features.runs() / batch;
        int steps = Math.multiplyExact(perEpoch, options.epochs()), tenth = Math.max(1, steps / 10);
        float[] scale = scale(features, layer, width);
        float[] x = new float[Math.multiplyExact(batch * run, width)], labels = new float[batch * run * outputs];
        int[] order = new int[features.runs()];
        for (int i = 0; i < order.length; i++) {
            order[i] = i;
        }
        double first = 0, last = 0;
        try (Arena arena = Arena.ofConfined();
                Workers alone = new Workers(1)) {
            HeadRegression regression = new HeadRegression(
                    arena,
                    width,
                    options.hidden(),
                    outputs,
                    batch * run,
                    run,
                    1.0 / shape.layers(),
                    SMOOTHING,
                    alone,
                    options.seed() + layer);
            SplittableRandom random = new SplittableRandom(options.seed());
            for (int step = 0; step < steps; step++) {
                if (step % perEpoch == 0) {
                    shuffle(order, random);
                }
                for (int i = 0; i < batch; i++) {
                    int which = order[step % perEpoch * batch + i];
                    features.read(layer, which, x, i * run * width);
                    features.labels(layer, which, labels, i * run * outputs);
                }
                multiply(x, scale);
                double rate = options.rate() * rate(step, steps);
                double loss = regression.step(x, labels, rate, cancellation) * shape.layers();
                first += step < tenth ? loss / tenth : 0;
                last += step >= steps - tenth ? loss / tenth : 0;
            }
            float[] inner = regression.inner();
            multiply(inner, scale);
            return new Learned(
                    List.of(
                            new Calibration.Table(RetainingHeads.inner(layer), List.of(options.hidden(), width), inner),
                            new Calibration.Table(
                                    RetainingHeads.outer(layer),
                                    List.of(outputs, options.hidden()),
                                    regression.outer())),
                    first,
                    last);
        }
    }

    /** One over the root mean square of each feature; 0 for one that is always 0. */
    private static float[] scale(HeadFeatures features, int layer, int width) {
        double[] squares = new double[width];
        float[] x = new float[HeadFeatures.RUN * width];
        for (int run = 0; run < features.runs(); run++) {
            features.read(layer, run, x, 0);
            for (int i = 0; i < x.length; i++) {
                squares[i % width] += (double) x[i] * x[i];
            }
        }
        float[] scale = new float[width];
        for (int f = 0; f < width; f++) {
            double mean = squares[f] / ((double) features.runs() * HeadFeatures.RUN);
            scale[f] = mean > 0 ? (float) (1 / Math.sqrt(mean)) : 0;
        }
        return scale;
    }

    /** Multiplies each row. */
    private static void multiply(float[] rows, float[] by) {
        for (int at = 0; at < rows.length; at += by.length) {
            for (int i = 0; i < by.length; i++) {
                rows[at + i] *= by[i];
            }
        }
    }

    /** The rate of a step, as a part of the highest: it rises for a tenth of the steps, and falls to the last. */
    private static double rate(int step, int steps) {
        double warm = Math.max(1, WARM_UP * steps);
        return Math.min((step + 1) / warm, (steps - step) / Math.max(1, steps - warm));
    }

    private static void shuffle(int[] order, SplittableRandom random) {
        for (int i = order.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1), kept = order[i];
            order[i] = order[j];
            order[j] = kept;
        }
    }
}
