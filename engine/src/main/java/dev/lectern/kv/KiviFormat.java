package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;

/**
 * {@code kivi-4}, {@code kivi-2}: keys in groups of 32 tokens of one channel, values in groups of 32 channels of one token.
 *
 * <p>Keys have channels that are large for all tokens, so a channel's tokens are alike; values have not, and an error of a value should stay with its token. The last 0 … R − 1 keys are exact and become codes
 * together, R at a time; the last R values are exact, and with each new one the oldest becomes codes. What is read together, a step of
 * at most some hundred tokens, is exact to itself; in the paper the whole prompt is.
 *
 * <p>Source: Liu et al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", ICML 2024 (arXiv 2402.02750), section 3.3, algorithm 1. R is 128 there, the group 32.
 */
final class KiviFormat {
    private static final int GROUP = 32;
    private static final int RESIDUAL = 128;

    private KiviFormat() {}

    static KvFormat keys(int bits, NamedOptions options) {
        return of(bits, AffineGroups.Axis.CHANNEL, options);
    }

    static KvFormat values(int bits, NamedOptions options) {
        return of(bits, AffineGroups.Axis.TOKEN, options);
    }

    private static KvFormat of(int bits, AffineGroups.Axis axis, NamedOptions options) {
        int group = options.whole("group", GROUP, 16, Page.TOKENS);
        if (Integer.bitCount(group) != 1) {
            throw options.bad(
                    "group is " + group + ", but it takes a power of two, so that no group lies across two pages");
        }
        int residual = options.whole("residual", RESIDUAL, group, 1 << 20);
        if (residual % group != 0) {
            throw options.bad("residual is " + residual + ", but it takes whole groups of " + group);
        }
        int sinks = options.whole("sinks", 0, 0, group - 1);
        String name = "kivi-" + bits + (group == GROUP ? "" : ":group=" + group)
                + (residual == RESIDUAL ? "" : ":residual=" + residual)
                + (sinks == 0 ? "" : ":sinks=" + sinks);
        Closing closing =
                axis == AffineGroups.Axis.CHANNEL ? new Closing.Blocks(residual, group) : new Closing.Sliding(residual);
        CodePlanes planes = bits == 2 ? CodePlanes.TWO : CodePlanes.FOUR;
        return new GroupedFormat(name, new AffineGroups.Coding(planes, axis, group), closing, sinks, false);
    }
}
