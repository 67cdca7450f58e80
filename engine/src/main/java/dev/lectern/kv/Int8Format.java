package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import dev.lectern.options.NamedOptions;

/**
 * {@code int8}: each row (a token of a head) as −127 … 127 times a scale, {@code max|x| / 127}. The plain absmax scheme that "Unlocking Longer Generation with Key-Value Cache Quantization" (Hugging Face,
 * 2024) begins with, for pages that close as a whole.
 *
 * <p>The last {@value #WINDOW} tokens stay exact: what was said just now is looked at most, and where keys have large offsets, as in Qwen2.5, a scale for a row costs ten times as much there as in all that
 * is older.
 */
final class Int8Format {
    private static final int WINDOW = 128;
    private static final ScaledRows.Coding CODING = ScaledRows.Coding.of(CodePlanes.EIGHT, ScaledRows.Turn.NONE);

    private Int8Format() {}

    static KvFormat of(NamedOptions options) {
        int sinks = options.whole("sinks", 0, 0, Page.TOKENS / 2), window = options.whole("window", WINDOW, 0, 1 << 20);
        String name = "int8" + (sinks == 0 ? "" : ":sinks=" + sinks) + (window == WINDOW ? "" : ":window=" + window);
        return new ScaledFormat(name, CODING, sinks, window);
    }
}
