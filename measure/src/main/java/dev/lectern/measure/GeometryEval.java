package dev.lectern.measure;

import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.Progress;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/**
 * Where keys and values lie, compared between inputs. Three observations are published for it, on which MagicPIG rests: keys and values of the
 * first token, the attention sink, hardly change with the input; nor does the direction of the mean key; and that is nearly opposite to the
 * sink's key. So centred keys spread around the origin, and hashing by random planes tells them apart.
 *
 * <p>Each input is read exactly, through an f32 cache. The mean key is that of all tokens but the first {@value InputGeometry#SINKS}, as
 * MagicPIG centres. Of the first token only those pairs of inputs say something that begin with different tokens. Keys are those after RoPE, as
 * a cache holds them; directions of means are told before RoPE too.
 *
 * <p>Source: the observations on the geometry of attention in Chen et al., "MagicPIG", ICLR 2025 (arXiv 2410.16179).
 */
public final class GeometryEval {
    private GeometryEval() {}

    /**
     * Reads and compares.
     *
     * @param texts cut into inputs; none for generated ones
     * @param progress in tokens of all inputs
     * @throws LecternException of kind {@code BAD_OPTION} if the texts are too short for two inputs; {@code TOO_LONG} if the model cannot hold one
     */
    public static GeometryResult run(
            BenchModel subject,
            ModelOptions modelOptions,
            GeometryOptions options,
            List<String> texts,
            Progress progress,
            Cancellation cancellation) {
        String digest = ModelDigest.of(subject, cancellation);
        try (Model model = subject.open(modelOptions)) {
            int size = options.tokens();
            if (size > model.context()) {
                throw new LecternException(
                        LecternException.Kind.TOO_LONG,
                        "--tokens is " + size + ", but " + subject.name() + " holds " + model.context()
                                + ": ask for no more, or stretch it with --rope-scaling.");
            }
            List<int[]> inputs = GeometryInputs.of(model, texts, options);
            List<InputGeometry> geometries = new ArrayList<>();
            long all = (long) size * inputs.size();
            for (int[] input : inputs) {
                long before = (long) size * geometries.size();
                InputGeometry geometry = new InputGeometry(model.attentionShape(), size);
                try (Session session = model.newSession(
                        SessionOptions.DEFAULT.withContext(size).withKv("f32"))) {
                    session.observe(geometry);
                    session.read(input, (done, total) -> progress.report(before + done, all), cancellation);
                }
                geometries.add(geometry);
            }
            int[] firsts = inputs.stream().mapToInt(input -> input[0]).toArray();
            return new GeometryResult(
                    new Evaluated(
                            subject.name(),
                            digest,
                            model.threads(),
                            Provenance.here(options.command(subject, texts.size()), modelOptions)),
                    size,
                    firsts,
                    texts.isEmpty(),
                    layers(model.attentionShape(), geometries, firsts));
        }
    }

    private static List<GeometryResult.Layer> layers(AttentionShape shape, List<InputGeometry> inputs, int[] firsts) {
        List<GeometryResult.Layer> layers = new ArrayList<>();
        for (int layer = 0; layer < shape.layers(); layer++) {
            List<List<InputGeometry.Sums>> heads = new ArrayList<>(); // [kvHeads][inputs]
            for (int head = 0; head < shape.kvHeads(); head++) {
                List<InputGeometry.Sums> sums = new ArrayList<>();
                for (InputGeometry input : inputs) {
                    sums.add(input.of(layer, head));
                }
                heads.add(sums);
            }
            layers.add(new GeometryResult.Layer(
                    pairs(heads, firsts, sums -> sums.firstKey),
                    pairs(heads, firsts, sums -> sums.firstValue),
                    pairs(heads, new int[0], sums -> sums.key),
                    pairs(heads, new int[0], sums -> sums.keyBeforeRope),
                    each(heads, sums -> Cosines.between(sums.key, sums.firstKey)),
                    each(heads, sums -> Cosines.between(sums.keyBeforeRope, sums.firstKeyBeforeRope)),
                    median(heads, InputGeometry.Sums::keyToValue),
                    median(heads, InputGeometry.Sums::firstValueToMedian)));
        }
        return layers;
    }

    /**
     * Between all pairs of inputs, for each kv head.
     *
     * @param firsts the first tokens of the inputs, to leave out pairs that begin with the same; empty to leave out none
     */
    private static Cosines pairs(
            List<List<InputGeometry.Sums>> heads, int[] firsts, Function<InputGeometry.Sums, double[]> vector) {
        List<Double> cosines = new ArrayList<>();
        for (List<InputGeometry.Sums> inputs : heads) {
            for (int i = 0; i < inputs.size(); i++) {
                for (int j = 0; j < i; j++) {
                    if (firsts.length == 0 || firsts[i] != firsts[j]) {
                        cosines.add(Cosines.between(vector.apply(inputs.get(i)), vector.apply(inputs.get(j))));
                    }
                }
            }
        }
        return new Cosines(cosines);
    }

    private static Cosines each(List<List<InputGeometry.Sums>> heads, Function<InputGeometry.Sums, Double> cosine) {
        return new Cosines(heads.stream().flatMap(List::stream).map(cosine).toList());
    }

    private static double median(List<List<InputGeometry.Sums>> heads, Function<InputGeometry.Sums, Double> ratio) {
        return Statistics.of(heads.stream().flatMap(List::stream).map(ratio).toList())
                .median();
    }
}
