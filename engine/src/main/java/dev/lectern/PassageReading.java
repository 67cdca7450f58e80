package dev.lectern;

import java.util.Arrays;
import java.util.List;

/**
 * Which passages of a text an answer reads: an observer of the session that gives the answer, attached before the question's last token is read.
 */
public final class PassageReading implements AttentionObserver {
    private final List<Passage> passages;
    private final double[] masses; // [passages]
    private final double[] shares; // of one head

    /** @param passages of what the session has read, in their order */
    public PassageReading(List<Passage> passages) {
        this(List.copyOf(passages), new double[passages.size()]);
    }

    private PassageReading(List<Passage> passages, double[] masses) {
        this.passages = passages;
        this.masses = masses;
        shares = new double[masses.length];
    }

    /** Another that begins with what this one has been told, for another answer after the same question. */
    public PassageReading copy() {
        return new PassageReading(passages, masses.clone());
    }

    @Override
    public boolean wantsWeights() {
        return true;
    }

    @Override
    public void weighed(int layer, int position, int heads, float[] weights, int stride) {
        for (int head = 0; head < heads; head++) {
            double all = 0;
            for (int i = 0; i < masses.length; i++) {
                Passage passage = passages.get(i);
                double sum = 0;
                for (int t = passage.firstToken(); t < passage.endToken(); t++) {
                    sum += weights[head * stride + t];
                }
                shares[i] = sum;
                all += sum;
            }
            if (all > 0) {
                for (int i = 0; i < masses.length; i++) {
                    masses[i] += shares[i] / all;
                }
            }
        }
    }

    /** The share of each passage in what was read of all of them; they sum to 1, or are all 0 if nothing was. */
    public double[] masses() {
        double all = Arrays.stream(masses).sum();
        return all > 0 ? Arrays.stream(masses).map(mass -> mass / all).toArray() : masses.clone();
    }
}
