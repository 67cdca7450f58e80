package dev.lectern.measure;

import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * What {@link GeometryEval} found.
 *
 * @param tokens of each input
 * @param firstTokens that the inputs begin with
 * @param generated whether the inputs are generated
 */
public record GeometryResult(
        Evaluated evaluated, int tokens, List<Integer> firstTokens, boolean generated, List<Layer> layers) {
    /**
     * One layer, or several together: all kv heads and all inputs.
     *
     * @param sinkKey keys of the first token, between inputs that begin with different tokens
     * @param sinkValue its values, likewise
     * @param meanKey mean keys, between all inputs
     * @param meanKeyBeforeRope the same before RoPE
     * @param opposite mean key and the first token's key of the same input
     * @param oppositeBeforeRope the same before RoPE
     * @param keyToValue mean length of a key over mean length of a value; the median of heads and inputs
     * @param sinkValueToMedian length of the first token's value over the median length of a value; likewise
     */
    record Layer(
            Cosines sinkKey,
            Cosines sinkValue,
            Cosines meanKey,
            Cosines meanKeyBeforeRope,
            Cosines opposite,
            Cosines oppositeBeforeRope,
            double keyToValue,
            double sinkValueToMedian) {}

    GeometryResult(Evaluated evaluated, int tokens, int[] firstTokens, boolean generated, List<Layer> layers) {
        this(evaluated, tokens, Arrays.stream(firstTokens).boxed().toList(), generated, layers);
    }

    public GeometryResult {
        firstTokens = List.copyOf(firstTokens);
        layers = List.copyOf(layers);
    }

    /** All layers together; lengths are the medians of the layers'. */
    Layer whole() {
        return new Layer(
                all(Layer::sinkKey),
                all(Layer::sinkValue),
                all(Layer::meanKey),
                all(Layer::meanKeyBeforeRope),
                all(Layer::opposite),
                all(Layer::oppositeBeforeRope),
                median(Layer::keyToValue),
                median(Layer::sinkValueToMedian));
    }

    private Cosines all(Function<Layer, Cosines> of) {
        return Cosines.all(layers.stream().map(of).toList());
    }

    private double median(Function<Layer, Double> of) {
        return Statistics.of(layers.stream().map(of).toList()).median();
    }

    int inputs() {
        return firstTokens.size();
    }

    /** Of inputs. */
    int pairs() {
        return inputs() * (inputs() - 1) / 2;
    }

    /** Pairs of inputs that begin with the same token, and so say nothing of its key and value. */
    int skippedPairs() {
        int skipped = 0;
        for (int i = 0; i < inputs(); i++) {
            for (int j = 0; j < i; j++) {
                skipped += firstTokens.get(i).equals(firstTokens.get(j)) ? 1 : 0;
            }
        }
        return skipped;
    }
}
