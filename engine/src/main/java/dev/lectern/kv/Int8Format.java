package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;
import java.lang.foreign.MemorySegment;

/**
 * {@code int8}: each row (a token of a head) as −127 … 127 times a scale, {@code max|x| / 127}. The plain absmax scheme that "Unlocking Longer Generation with Key-Value Cache Quantization" (Hugging Face,
 * 2024) begins with, for pages that close as a whole.
 *
 * <p>The last {@value #WINDOW} tokens stay exact: what was said just now is looked at most, and where keys have large offsets, as in Qwen2.5, a scale for a row costs ten times as much there as in all that
 * is older.
 */
final class Int8Format implements KvFormat {
    private static final int WINDOW = 128;
    private static final ScaledRows.Coding CODING = ScaledRows.Coding.of(CodePlanes.EIGHT, ScaledRows.Turn.NONE);

    private final int sinks;
    private final int window;
    private final String name;

    Int8Format(NamedOptions options) {
        sinks = options.whole("sinks", 0, 0, Page.TOKENS / 2);
        window = options.whole("window", WINDOW, 0, 1 << 20);
        name = "int8" + (sinks == 0 ? "" : ":sinks=" + sinks) + (window == WINDOW ? "" : ":window=" + window);
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public Closing closing() {
        return new Closing.Pages(window);
    }

    @Override
    public long bytes(SideShape shape) {
        return ScaledRows.bytes(shape, CODING, sinks);
    }

    @Override
    public long openBytes(SideShape shape) {
        return ScaledRows.openBytes(shape, CODING);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return ScaledRows.closed(shape, CODING, sinks, memory);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return ScaledRows.open(shape, CODING, sinks, memory);
    }
}
