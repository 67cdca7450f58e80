package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;

/**
 * {@code hf-int8}, {@code hf-int4}, {@code hf-int2}: what Hugging Face transformers does with {@code cache_implementation="quantized"} and its defaults: affine groups of 64 consecutive channels of one
 * token, the first call exact and then quantised whole, a residual of up to 127 exact tokens after it. Nothing protects the first tokens; {@code sinks=4} does.
 *
 * <p>The article "Unlocking Longer Generation with Key-Value Cache Quantization" (Hugging Face, 2024) prints {@code X_Q = round(X/S) − Z} with {@code Z = round(−min/S)}, which does not turn back: with this Z it
 * has to be {@code round(X/S) + Z}. The code keeps min itself, as done here, and rounds no zero point.
 *
 * <p>Deviation: a flush there quantises also again what was quantised before; that is without effect where groups keep their places, as these do, so it is left out.
 */
final class HfFormat {
    private static final int GROUP = 64;
    private static final int RESIDUAL = 128;

    private HfFormat() {}

    static KvFormat of(int bits, NamedOptions options) {
        if (options.whole("axis", 0, -1, 0) == -1) {
            throw options.bad(
                    "axis=-1 groups the same channel of 64 consecutive tokens of the whole batch, so that where the"
                            + " text ends decides what is grouped, and a group may lie across two heads: use kivi-"
                            + Math.min(bits, 4)
                            + ", whose groups of tokens keep their places");
        }
        int group = options.whole("group", GROUP, 16, 256);
        if (group % CodePlanes.LANES != 0) {
            throw options.bad("group is " + group + ", but it takes a multiple of " + CodePlanes.LANES);
        }
        int residual = options.whole("residual", RESIDUAL, 1, 1 << 20);
        int sinks = options.whole("sinks", 0, 0, Page.TOKENS / 2);
        CodePlanes planes = bits == 2 ? CodePlanes.TWO : bits == 4 ? CodePlanes.FOUR : CodePlanes.EIGHT;
        String name = "hf-int" + bits + (group == GROUP ? "" : ":group=" + group)
                + (residual == RESIDUAL ? "" : ":residual=" + residual)
                + (sinks == 0 ? "" : ":sinks=" + sinks);
        AffineGroups.Coding coding = new AffineGroups.Coding(planes, AffineGroups.Axis.TOKEN, group);
        return new GroupedFormat(name, coding, new Closing.Calls(residual), sinks, bits < 8);
    }
}
