package dev.lectern.measure;

import dev.lectern.LecternException;
import java.util.Arrays;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.Collectors;

/** What {@link PeersBench} compares, and what Lectern is to reach on the two models of the catalogue. */
public enum PeerRow {
    PREFILL(Unit.TOKENS_PER_SECOND, 1.2, 1.1, 2.0, 1.4),
    PREFILL_DEEP(Unit.TOKENS_PER_SECOND, 2.2, 1.6),
    DECODE(Unit.TOKENS_PER_SECOND, 1.5, 1.0),
    DECODE_DEEP(Unit.TOKENS_PER_SECOND, 3.0, 2.5),
    /** With a cache of 8 bits on both sides: int8, and llama.cpp's q8_0. */
    DECODE_DEEP_8_BIT(Unit.TOKENS_PER_SECOND, Double.NaN, Double.NaN),
    /** With one of 4 bits: chl-4, and llama.cpp's q4_0. */
    DECODE_DEEP_4_BIT(Unit.TOKENS_PER_SECOND, Double.NaN, Double.NaN),
    /** Lectern beside itself: sequences decoded together, and one after another. */
    BATCH(Unit.TOKENS_PER_SECOND, 1.5, 2.0),
    /** From a fresh process's model being ready to its first token. */
    FIRST_TOKEN(Unit.SECONDS, 1.5, 1.3),
    /** The same from the start of the process. */
    FIRST_ANSWER(Unit.SECONDS, Double.NaN, Double.NaN),
    MEMORY(Unit.BYTES, 250e6, 250e6);

    /** What is measured, and which way is better. */
    enum Unit {
        TOKENS_PER_SECOND,
        SECONDS,
        BYTES
    }

    private static final String SMALL = "smollm2-135m";
    private static final String USUAL = "qwen2.5-coder-0.5b";
    private static final int WIDE = 512;

    private final Unit unit;
    private final double small;
    private final double usual;
    private final double smallNarrow;
    private final double usualNarrow;

    PeerRow(Unit unit, double small, double usual) {
        this(unit, small, usual, small, usual);
    }

    /** @param smallNarrow with vectors narrower than 512 bits */
    PeerRow(Unit unit, double small, double usual, double smallNarrow, double usualNarrow) {
        this.unit = unit;
        this.small = small;
        this.usual = usual;
        this.smallNarrow = smallNarrow;
        this.usualNarrow = usualNarrow;
    }

    Unit unit() {
        return unit;
    }

    /** The name in options and results: {@code prefill-deep}. */
    public String key() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    /** The row of a name. */
    public static PeerRow of(String key) {
        for (PeerRow row : values()) {
            if (row.key().equals(key.strip())) {
                return row;
            }
        }
        throw new LecternException(
                LecternException.Kind.BAD_OPTION,
                "--rows: there is no \"" + key + "\"; there are "
                        + Arrays.stream(values()).map(PeerRow::key).collect(Collectors.joining(", ")) + ".");
    }

    /**
     * What the median ratio is to be at least; of {@link #MEMORY}, what Lectern may take more, in bytes.
     *
     * @return empty for a model of which nothing was promised
     */
    OptionalDouble target(String model, int vectorBits) {
        double target = switch (model) {
            case SMALL -> vectorBits >= WIDE ? small : smallNarrow;
            case USUAL -> vectorBits >= WIDE ? usual : usualNarrow;
            default -> Double.NaN;
        };
        return Double.isNaN(target) ? OptionalDouble.empty() : OptionalDouble.of(target);
    }
}
