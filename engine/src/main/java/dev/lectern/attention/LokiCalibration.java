package dev.lectern.attention;

import dev.lectern.AttentionShape;
import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.List;

/**
 * The principal components of a model's rotated keys over the texts that it reads, each layer and kv head for itself, without the first tokens of each text, which are not like others. Tables: {@code layers.L.mean},
 * {@code [kvHeads][headDim]}, and {@code layers.L.axes}, {@code [kvHeads][headDim][headDim]}, an axis a row, that of the largest variance first.
 *
 * <p>Source: Singhania et al., "Loki" (arXiv 2406.02542), section 4.
 */
public final class LokiCalibration implements Calibration {
    /** The method that it is for. */
    public static final String METHOD = "loki";

    private static final int LEAST_TOKENS = 512;

    private final AttentionShape shape;
    private final KeyMoments[][] moments; // [layers][kvHeads]

    /** @param shape of the model that will read */
    public LokiCalibration(AttentionShape shape) {
        this.shape = shape;
        moments = new KeyMoments[shape.layers()][shape.kvHeads()];
        for (KeyMoments[] layer : moments) {
            for (int kvHead = 0; kvHead < layer.length; kvHead++) {
                layer[kvHead] = new KeyMoments(shape.headDim());
            }
        }
    }

    @Override
    public String method() {
        return METHOD;
    }

    @Override
    public int leastTokens() {
        return LEAST_TOKENS;
    }

    @Override
    public void attended(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] out, int outAt) {
        int headDim = shape.headDim();
        for (int row = Math.max(0, TokenChoice.SINKS - firstPosition); row < rows; row++) {
            for (int kvHead = 0; kvHead < shape.kvHeads(); kvHead++) {
                moments[layer][kvHead].add(k, kAt + (row * shape.kvHeads() + kvHead) * headDim);
            }
        }
    }

    @Override
    public List<Table> tables() {
        int kvHeads = shape.kvHeads(), headDim = shape.headDim();
        List<Table> tables = new ArrayList<>();
        for (int layer = 0; layer < moments.length; layer++) {
            float[] means = new float[kvHeads * headDim], axes = new float[kvHeads * headDim * headDim];
            for (int kvHead = 0; kvHead < kvHeads; kvHead++) {
                KeyMoments of = moments[layer][kvHead];
                System.arraycopy(of.mean(), 0, means, kvHead * headDim, headDim);
                System.arraycopy(of.axes(headDim), 0, axes, kvHead * headDim * headDim, headDim * headDim);
            }
            tables.add(new Table(mean(layer), List.of(kvHeads, headDim), means));
            tables.add(new Table(axes(layer), List.of(kvHeads, headDim, headDim), axes));
        }
        return tables;
    }

    private static String mean(int layer) {
        return "layers." + layer + ".mean";
    }

    private static String axes(int layer) {
        return "layers." + layer + ".axes";
    }

    /**
     * The components of one kv head, as they were kept.
     *
     * @throws LecternException of kind {@code BAD_MODEL} if they are not there, or of another shape
     */
    static Loki.Components components(Calibrated kept, Heads heads, int layer, int kvHead, int dims) {
        int kvHeads = heads.kvHeads(), headDim = heads.headDim();
        return new Loki.Components(
                kept.numbers(mean(layer), List.of(kvHeads, headDim), kvHead * headDim, headDim),
                kept.numbers(
                        axes(layer), List.of(kvHeads, headDim, headDim), kvHead * headDim * headDim, dims * headDim));
    }
}
