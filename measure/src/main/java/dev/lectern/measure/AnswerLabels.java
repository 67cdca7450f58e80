package dev.lectern.measure;

import dev.lectern.AttentionObserver;
import dev.lectern.AttentionShape;
import java.util.Arrays;

/**
 * How much an answer looks at tokens of its prompt: for each layer and kv head the highest scaled logit, before the softmax, over the answer's tokens and the query heads of the group. It observes one text: the prompt, then the answer.
 *
 * <p>Source: Huang et al., "Locret" (arXiv 2410.01805), section 3.2.
 */
final class AnswerLabels implements AttentionObserver {
    private final AttentionShape shape;
    private final int[] tokens; // of the prompt, ascending
    private final int question; // its first token
    private final int prompt; // tokens of it
    private final float[][] keys; // [layers][tokens][kvHeads][headDim], rotated
    private final float[][] labels; // [layers][tokens][kvHeads]
    private final float[][] asked; // [layers][kvHeads][headDim]: sums of the question's queries

    /**
     * @param tokens whose labels are wanted, ascending
     * @param question the first token of the question, which ends the prompt
     * @param prompt how many tokens come before the answer
     */
    AnswerLabels(AttentionShape shape, int[] tokens, int question, int prompt) {
        this.shape = shape;
        this.tokens = tokens;
        this.question = question;
        this.prompt = prompt;
        int width = shape.kvHeads() * shape.headDim();
        keys = new float[shape.layers()][Math.multiplyExact(tokens.length, width)];
        labels = new float[shape.layers()][Math.multiplyExact(tokens.length, shape.kvHeads())];
        asked = new float[shape.layers()][width];
        for (float[] layer : labels) {
            Arrays.fill(layer, Float.NEGATIVE_INFINITY);
        }
    }

    /** Those of a layer, {@code [tokens][kvHeads]}. */
    float[] of(int layer) {
        return labels[layer];
    }

    /** How much the question looked at the tokens on average, in a layer and kv head; up to a factor, as {@code apb:compressor=query} scores. */
    float[] byQuestion(int layer, int kvHead) {
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        float[] scores = new float[tokens.length];
        for (int t = 0; t < scores.length; t++) {
            scores[t] = product(asked[layer], kvHead * headDim, keys[layer], t * width + kvHead * headDim, headDim);
        }
        return scores;
    }

    @Override
    public void attended(
            int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] out, int outAt) {
        int width = shape.kvHeads() * shape.headDim();
        int at = Arrays.binarySearch(tokens, firstPosition);
        for (int i = at < 0 ? -at - 1 : at; i < tokens.length && tokens[i] < firstPosition + rows; i++) {
            System.arraycopy(k, kAt + (tokens[i] - firstPosition) * width, keys[layer], i * width, width);
        }
        int queries = shape.heads() * shape.headDim();
        for (int row = Math.max(0, question - firstPosition); row < rows; row++) {
            if (firstPosition + row < prompt) {
                ask(layer, q, qAt + row * queries);
            } else {
                look(layer, q, qAt + row * queries);
            }
        }
    }

    private void ask(int layer, float[] q, int at) {
        int headDim = shape.headDim();
        for (int head = 0; head < shape.heads(); head++) {
            int to = head / shape.group() * headDim;
            for (int d = 0; d < headDim; d++) {
                asked[layer][to + d] += q[at + head * headDim + d];
            }
        }
    }

    private void look(int layer, float[] q, int at) {
        int headDim = shape.headDim(), kvHeads = shape.kvHeads();
        float scale = (float) (1 / Math.sqrt(headDim));
        for (int t = 0; t < tokens.length; t++) {
            for (int head = 0; head < shape.heads(); head++) {
                int kvHead = head / shape.group();
                int key = (t * kvHeads + kvHead) * headDim, label = t * kvHeads + kvHead;
                float logit = scale * product(q, at + head * headDim, keys[layer], key, headDim);
                labels[layer][label] = Math.max(labels[layer][label], logit);
            }
        }
    }

    /** Four sums side by side, for one would have every addition wait for the one before. */
    private static float product(float[] a, int aAt, float[] b, int bAt, int length) {
        float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        int i = 0;
        for (; i + 3 < length; i += 4) {
            s0 += a[aAt + i] * b[bAt + i];
            s1 += a[aAt + i + 1] * b[bAt + i + 1];
            s2 += a[aAt + i + 2] * b[bAt + i + 2];
            s3 += a[aAt + i + 3] * b[bAt + i + 3];
        }
        for (; i < length; i++) {
            s0 += a[aAt + i] * b[bAt + i];
        }
        return s0 + s1 + (s2 + s3);
    }
}
