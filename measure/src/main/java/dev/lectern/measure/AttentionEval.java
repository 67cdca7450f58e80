package dev.lectern.measure;

import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.Traffic;
import dev.lectern.attention.CalibrationSource;
import dev.lectern.attention.DecodeAttention;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Selection;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How far methods of attention are from exact attention, on the queries, keys and values of a real text: of each layer, query head and recorded position (the last 64 of them) the relative error {@code |o' − o| / |o|}, with the
 * recorded output o, and the share of the softmax that the chosen tokens have.
 */
public final class AttentionEval {
    /** Positions that methods are judged by, the last ones. */
    private static final int JUDGED = AttentionRecording.LAST / 2;

    private final AttentionRecording recording;
    private final KvFormats format;
    private final Workers workers;
    private final ExactAttention exact;
    private final Map<String, Cases> cases = new LinkedHashMap<>();
    private float[] scores = {};

    /** What one method did, case by case. */
    private static final class Cases {
        final String spec;
        DecodeAttention method; // of the layer at hand
        final List<Double> errors = new ArrayList<>();
        final List<Double> layers = new ArrayList<>();
        final List<Double> densities = new ArrayList<>(); // of layers
        double mass;
        Traffic traffic = Traffic.NONE;
        Traffic before = traffic; // this layer

        Cases(String spec) {
            this.spec = spec;
            method = of(0);
        }

        /** The method for a cache that holds nothing but one layer of the model, as its first. */
        DecodeAttention of(int layer) {
            return DecodeAttentions.named(
                    spec,
                    (name, which) -> CalibrationSource.FILES.find(name, which).map(all -> all.ofLayer(layer)));
        }
    }

    private AttentionEval(AttentionRecording recording, String kv, List<String> methods, Workers workers) {
        this.recording = recording;
        this.workers = workers;
        format = KvFormats.named(kv);
        exact = new ExactAttention(workers);
        for (String method : methods) {
            cases.put(method, new Cases(method));
        }
    }

    /**
     * Evaluates.
     *
     * @param threads that compute
     * @param progress in layers
     * @return a row for each method, in their order
     */
    public static AttentionResults run(
            AttentionRecording recording,
            AttentionOptions options,
            int threads,
            String source,
            Progress progress,
            Cancellation cancellation) {
        try (Workers workers = new Workers(threads)) {
            List<String> methods = new ArrayList<>(List.of("dense"));
            options.methods().stream().filter(m -> !m.equals("dense")).forEach(methods::add);
            AttentionEval eval = new AttentionEval(recording, options.kv(), methods, workers);
            int done = 0;
            for (int layer : recording.layers()) {
                eval.layer(layer, cancellation);
                progress.report(++done, recording.layers().size());
            }
            Evaluated evaluated = new Evaluated(
                    recording.model(), recording.digest(), threads, Provenance.here(options.command(source)));
            return new AttentionResults(evaluated, options, recording.tokens().length, eval.rows());
        }
    }

    private List<AttentionResults.Row> rows() {
        List<AttentionResults.Row> rows = new ArrayList<>();
        for (Cases c : cases.values()) {
            int queries = c.errors.size() / recording.shape().heads();
            rows.add(new AttentionResults.Row(
                    c.method.name(),
                    c.errors,
                    c.layers,
                    c.densities,
                    c.mass / c.errors.size(),
                    (double) c.traffic.bytes() / queries,
                    c.traffic.density(),
                    c.traffic.bounded()));
        }
        return rows;
    }

    private void layer(int layer, Cancellation cancellation) {
        AttentionShape shape = recording.shape();
        int window = shape.windows().get(layer);
        Heads heads = new Heads(shape.heads(), shape.kvHeads(), shape.headDim(), window);
        AttentionRecording.Layer recorded = recording.layer(layer);
        int[] positions = recording.positions();
        LayerCache kept = new LayerCache(shape.kvHeads(), shape.headDim(), window, format.keys(), format.values());
        int first = Math.max(0, positions.length - JUDGED);
        cases.values().forEach(c -> {
            c.method = c.of(layer);
            c.layers.add(0.0);
            c.before = c.traffic;
        });
        try (KvCache cache = new KvCache(List.of(kept))) {
            cache.reserve(positions[positions.length - 1] + 1);
            remember(recorded, cache, first);
            for (int i = first; i < positions.length; i++) {
                cancellation.check();
                store(recorded, cache, positions[i]);
                float[] q = new float[shape.heads() * shape.headDim()];
                float[] expected = new float[q.length];
                recorded.queries().copy(i, 0, shape.heads(), q, 0);
                recorded.outputs().copy(i, 0, shape.heads(), expected, 0);
                position(heads, cache, q, expected, cancellation);
            }
        }
        for (Cases c : cases.values()) {
            c.layers.set(c.layers.size() - 1, c.layers.getLast() / ((positions.length - first) * shape.heads()));
            c.densities.add(c.traffic.since(c.before).density());
        }
    }

    /** Tells the cache the queries before those that methods are judged by, as it knows them of a text that was read. */
    private void remember(AttentionRecording.Layer recorded, KvCache cache, int before) {
        int heads = recording.shape().heads(), width = heads * recording.shape().headDim();
        float[] q = new float[width];
        cache.expectQueries(width);
        for (int i = 0; i < before; i++) {
            recorded.queries().copy(i, 0, heads, q, 0);
            cache.remember(0, recording.positions()[i], q, 0);
        }
    }

    /** Stores tokens up to a position; those before it are committed, as they are in a step. */
    private static void store(AttentionRecording.Layer recorded, KvCache cache, int position) {
        Vectors keys = recorded.keys(), values = recorded.values();
        int kvHeads = keys.rows(), headDim = keys.width();
        float[] k = new float[kvHeads * headDim], v = new float[kvHeads * headDim];
        for (int token = cache.length(); token <= position; token++) {
            for (int head = 0; head < kvHeads; head++) {
                keys.copy(head, token, 1, k, head * headDim);
                values.copy(head, token, 1, v, head * headDim);
            }
            cache.put(0, token, k, 0, v, 0);
        }
        cache.commit(position - cache.length());
    }

    private void position(Heads heads, KvCache cache, float[] q, float[] expected, Cancellation cancellation) {
        KvCache[] caches = {cache};
        double[][] weights = weights(heads, caches, q, cancellation);
        float[] out = new float[q.length];
        for (Cases c : cases.values()) {
            double[] mass = new double[heads.heads()];
            Arrays.fill(mass, 1); // of a method that gathers nothing
            exact.listen((shape, rows, sets, selections) -> {
                for (int head = 0; head < mass.length; head++) {
                    mass[head] = mass(selections[head / (mass.length / sets)], weights[head]);
                }
            });
            Traffic before = exact.traffic();
            c.method.attend(exact, 0, heads, caches, q, out, cancellation);
            Traffic read = exact.traffic().since(before);
            exact.listen(null);
            c.traffic = c.traffic.plus(read);
            for (int head = 0; head < heads.heads(); head++) {
                double error = error(out, expected, head * heads.headDim(), heads.headDim());
                c.errors.add(error);
                c.mass += mass[head];
                c.layers.set(c.layers.size() - 1, c.layers.getLast() + error);
            }
        }
    }

    private static double mass(Selection chosen, double[] weights) {
        double mass = 0;
        for (int i = 0; i < chosen.count(); i++) {
            mass += weights[chosen.id(i)];
        }
        return mass;
    }

    private static double error(float[] out, float[] expected, int at, int count) {
        double difference = 0, norm = 0;
        for (int d = at; d < at + count; d++) {
            difference += (out[d] - expected[d]) * (double) (out[d] - expected[d]);
            norm += expected[d] * (double) expected[d];
        }
        return norm == 0 ? 0 : Math.sqrt(difference / norm);
    }

    /** The softmax of each query head, {@code [heads][tokens]}. */
    private double[][] weights(Heads heads, KvCache[] caches, float[] q, Cancellation cancellation) {
        int tokens = caches[0].length() + 1;
        int first = heads.window() == 0 ? 0 : Math.max(0, tokens - heads.window());
        int stride = Math.ceilDiv(tokens, AttentionTiles.TILE) * AttentionTiles.TILE;
        if (scores.length < heads.heads() * stride) {
            scores = new float[heads.heads() * stride];
        }
        exact.scores(heads, 0, caches, q, scores, stride, cancellation);
        double[][] weights = new double[heads.heads()][tokens];
        workers.run(heads.heads(), cancellation, (head, worker) -> {
            int at = head * stride;
            float highest = Float.NEGATIVE_INFINITY;
            for (int token = first; token < tokens; token++) {
                highest = Math.max(highest, scores[at + token]);
            }
            double sum = 0;
            for (int token = first; token < tokens; token++) {
                weights[head][token] = Math.pow(2, scores[at + token] - highest);
                sum += weights[head][token];
            }
            for (int token = first; token < tokens; token++) {
                weights[head][token] /= sum;
            }
        });
        return weights;
    }
}
