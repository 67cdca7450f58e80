package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import dev.lectern.Cancellation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** Writes what it observes of one reading of a text, as {@link AttentionRecording} describes it, while the text is read. */
final class AttentionRecorder implements AttentionObserver {
    private final SafetensorsWriter writer;
    private final AttentionShape shape;
    private final int tokens;
    private final Set<Integer> layers;
    private final int[] positions; // ascending
    private final Cancellation cancellation;
    private float[] run = {}; // the rows of one kv head

    /**
     * @param tokens of the text, which is read from its beginning
     * @param positions whose queries and outputs are kept; ascending
     */
    AttentionRecorder(
            SafetensorsWriter writer,
            AttentionShape shape,
            int tokens,
            Set<Integer> layers,
            int[] positions,
            Cancellation cancellation) {
        this.writer = writer;
        this.shape = shape;
        this.tokens = tokens;
        this.layers = new TreeSet<>(layers);
        this.positions = positions;
        this.cancellation = cancellation;
    }

    /** The tensors that are written of a layer. */
    static List<SafetensorsWriter.Tensor> tensors(int layer, AttentionShape shape, int tokens, int positions) {
        List<SafetensorsWriter.Tensor> tensors = new ArrayList<>();
        for (AttentionRecording.Part part : AttentionRecording.Part.values()) {
            List<Integer> sizes = part.ofKeysOrValues()
                    ? List.of(shape.kvHeads(), tokens, shape.headDim())
                    : List.of(positions, shape.heads(), shape.headDim());
            tensors.add(new SafetensorsWriter.Tensor(part.tensor(layer), "F32", sizes));
        }
        return tensors;
    }

    @Override
    public void projected(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
        if (layers.contains(layer)) {
            cancellation.check();
            rows(AttentionRecording.Part.QUERIES_BEFORE_ROPE.tensor(layer), firstPosition, rows, q, qAt);
            columns(AttentionRecording.Part.KEYS_BEFORE_ROPE.tensor(layer), firstPosition, rows, k, kAt);
            columns(AttentionRecording.Part.VALUES.tensor(layer), firstPosition, rows, v, vAt);
        }
    }

    @Override
    public void attended(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] out, int outAt) {
        if (layers.contains(layer)) {
            cancellation.check();
            rows(AttentionRecording.Part.QUERIES.tensor(layer), firstPosition, rows, q, qAt);
            columns(AttentionRecording.Part.KEYS.tensor(layer), firstPosition, rows, k, kAt);
            rows(AttentionRecording.Part.OUTPUTS.tensor(layer), firstPosition, rows, out, outAt);
        }
    }

    /** Of {@code [rows][heads][headDim]} those rows that are at chosen positions. */
    private void rows(String tensor, int firstPosition, int rows, float[] x, int at) {
        int width = shape.heads() * shape.headDim();
        int found = Arrays.binarySearch(positions, firstPosition);
        for (int i = found < 0 ? -found - 1 : found; i < positions.length && positions[i] < firstPosition + rows; i++) {
            writer.write(tensor, (long) i * width, x, at + (positions[i] - firstPosition) * width, width);
        }
    }

    /** All rows of {@code [rows][kvHeads][headDim]}, where they belong in {@code [kvHeads][tokens][headDim]}. */
    private void columns(String tensor, int firstPosition, int rows, float[] x, int at) {
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        run = run.length < rows * headDim ? new float[rows * headDim] : run;
        for (int head = 0; head < shape.kvHeads(); head++) {
            for (int row = 0; row < rows; row++) {
                System.arraycopy(x, at + row * width + head * headDim, run, row * headDim, headDim);
            }
            writer.write(tensor, ((long) head * tokens + firstPosition) * headDim, run, 0, rows * headDim);
        }
    }
}
