package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;
import java.lang.foreign.MemorySegment;

/**
 * {@code kivi-4}, {@code kivi-2}: keys in groups of 32 tokens of one channel, values in groups of 32 channels of one token.
 *
 * <p>Keys have channels that are large for all tokens, so a channel's tokens are alike; values have not, and an error of a value should stay with its token. The last 0 … R − 1 keys are exact and become codes
 * together, R at a time; the last R values are exact, and with each new one the oldest becomes codes. What is read together is exact to itself.
 *
 * <p>Source: Liu et al., "KIVI: A Tuning-Free Asymmetric 2bit Quantization for KV Cache", ICML 2024 (arXiv 2402.02750), section 3.3, algorithm 1. R is 128 there, the group 32.
 */
final class KiviFormat implements KvFormat {
    private static final int GROUP = 32;
    private static final int RESIDUAL = 128;

    private final AffineGroups.Coding coding;
    private final Closing closing;
    private final int sinks;
    private final String name;

    private KiviFormat(int bits, AffineGroups.Axis axis, NamedOptions options) {
        int group = options.whole("group", GROUP, 16, Page.TOKENS);
        if (Integer.bitCount(group) != 1) {
            throw options.bad(
                    "group is " + group + ", but it takes a power of two, so that no group lies across two pages");
        }
        int residual = options.whole("residual", RESIDUAL, group, 1 << 20);
        if (residual % group != 0) {
            throw options.bad("residual is " + residual + ", but it takes whole groups of " + group);
        }
        sinks = options.whole("sinks", 0, 0, group - 1);
        coding = new AffineGroups.Coding(bits == 2 ? CodePlanes.TWO : CodePlanes.FOUR, axis, group);
        closing = axis == AffineGroups.Axis.CHANNEL ? new Closing.Blocks(residual) : new Closing.Sliding(residual);
        name = "kivi-" + bits + (group == GROUP ? "" : ":group=" + group)
                + (residual == RESIDUAL ? "" : ":residual=" + residual)
                + (sinks == 0 ? "" : ":sinks=" + sinks);
    }

    static KiviFormat keys(int bits, NamedOptions options) {
        return new KiviFormat(bits, AffineGroups.Axis.CHANNEL, options);
    }

    static KiviFormat values(int bits, NamedOptions options) {
        return new KiviFormat(bits, AffineGroups.Axis.TOKEN, options);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public void requireFit(int headDim) {
        if (coding.axis() == AffineGroups.Axis.TOKEN) {
            HfFormat.requireGroups(name, coding.group(), headDim);
        }
    }

    @Override
    public Closing closing() {
        return closing;
    }

    @Override
    public long bytes(SideShape shape) {
        return AffineGroups.bytes(shape, coding, sinks);
    }

    @Override
    public long openBytes(SideShape shape) {
        return AffineGroups.openBytes(shape, coding, sinks);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return AffineGroups.closed(shape, coding, sinks, memory);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return AffineGroups.open(shape, coding, sinks, memory, closed);
    }
}
