package dev.lectern.prefill;

import dev.lectern.BadModelFileException;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import java.util.ArrayList;
import java.util.List;

/**
 * The patterns of all heads of a model, as {@link MInferenceSearch} finds and {@link MInference} uses them. In a file that is a table for each layer, {@code layers.L.patterns}, {@code [heads][3]}: the kind (0: A-shape, 1: vertical-slash, 2:
 * block-sparse) and its budgets for long texts in the order of {@link HeadPattern}'s, a second one that a kind does not have 0.
 *
 * @param layers {@code [layers][heads]}; at least one of each, every layer of as many heads
 */
record HeadPatterns(List<List<HeadPattern>> layers) {
    private static final int A_SHAPE = 0;
    private static final int VERTICAL_SLASH = 1;
    private static final int BLOCK_SPARSE = 2;

    /** Numbers of a head. */
    private static final int NUMBERS = 3;

    private static final int LONGEST = 1 << 24;

    HeadPatterns {
        layers = layers.stream().map(List::copyOf).toList();
    }

    HeadPattern of(int layer, int head) {
        return layers.get(layer).get(head);
    }

    private static String name(int layer) {
        return "layers." + layer + ".patterns";
    }

    /** As they are kept. */
    List<Calibration.Table> tables() {
        List<Calibration.Table> tables = new ArrayList<>();
        for (List<HeadPattern> heads : layers) {
            float[] numbers = new float[NUMBERS * heads.size()];
            for (int head = 0; head < heads.size(); head++) {
                float[] of = numbers(heads.get(head));
                System.arraycopy(of, 0, numbers, NUMBERS * head, NUMBERS);
            }
            tables.add(new Calibration.Table(name(tables.size()), List.of(heads.size(), NUMBERS), numbers));
        }
        return tables;
    }

    private static float[] numbers(HeadPattern pattern) {
        return switch (pattern) {
            case HeadPattern.AShape(int sinks, int window) -> new float[] {A_SHAPE, sinks, window};
            case HeadPattern.VerticalSlash(int vertical, int slash) -> new float[] {VERTICAL_SLASH, vertical, slash};
            case HeadPattern.BlockSparse(int blocks) -> new float[] {BLOCK_SPARSE, blocks, 0};
        };
    }

    /**
     * Those of a file.
     *
     * @throws BadModelFileException if it does not have them
     */
    static HeadPatterns of(Calibrated kept) {
        List<List<HeadPattern>> layers = new ArrayList<>();
        for (Calibration.Table table = kept.tables().get(name(0)); table != null; ) {
            List<Integer> shape = table.shape();
            if (shape.size() != 2
                    || shape.getFirst() < 1
                    || shape.getLast() != NUMBERS
                    || !layers.isEmpty()
                            && shape.getFirst() != layers.getFirst().size()) {
                throw bad(kept, "of layer " + layers.size() + " have the shape " + shape);
            }
            List<HeadPattern> heads = new ArrayList<>();
            for (int head = 0; head < shape.getFirst(); head++) {
                heads.add(pattern(kept, layers.size(), head, table.numbers()));
            }
            layers.add(heads);
            table = kept.tables().get(name(layers.size()));
        }
        if (layers.isEmpty()) {
            throw bad(kept, "are missing");
        }
        return new HeadPatterns(layers);
    }

    private static HeadPattern pattern(Calibrated kept, int layer, int head, float[] numbers) {
        int at = NUMBERS * head;
        int first = budget(numbers[at + 1]), second = budget(numbers[at + 2]);
        if (first >= 1) {
            if (numbers[at] == A_SHAPE && second >= 1) {
                return new HeadPattern.AShape(first, second);
            }
            if (numbers[at] == VERTICAL_SLASH && second >= 1) {
                return new HeadPattern.VerticalSlash(first, second);
            }
            if (numbers[at] == BLOCK_SPARSE) {
                return new HeadPattern.BlockSparse(first);
            }
        }
        throw bad(kept, "have none that is known for layer " + layer + ", head " + head);
    }

    /** 0 where it is no number of tokens. */
    private static int budget(float number) {
        return number >= 1 && number <= LONGEST && number == (int) number ? (int) number : 0;
    }

    private static BadModelFileException bad(Calibrated kept, String problem) {
        return new BadModelFileException(
                kept.path(),
                "its patterns of heads " + problem + ": run \"" + Calibrated.command(MInferenceSearch.METHOD)
                        + "\" again.");
    }
}
