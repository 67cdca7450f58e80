package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;
import java.lang.foreign.MemorySegment;

/**
 * {@code int8}: each row (a token of a head) as −127 … 127 times a scale, {@code max|x| / 127}, as it is stored; nothing is exact. The plain absmax scheme that "Unlocking Longer Generation with
 * Key-Value Cache Quantization" (Hugging Face, 2024) begins with.
 */
final class Int8Format implements KvFormat {
    private static final ScaledRows.Coding CODING = ScaledRows.Coding.of(CodePlanes.EIGHT, ScaledRows.Turn.NONE);

    @Override
    public String name() {
        return "int8";
    }

    @Override
    public Closing closing() {
        return new Closing.AtOnce();
    }

    @Override
    public long bytes(SideShape shape) {
        return ScaledRows.bytes(shape, CODING, 0);
    }

    @Override
    public long openBytes(SideShape shape) {
        return bytes(shape);
    }

    @Override
    public KvSide closed(SideShape shape, MemorySegment memory) {
        return ScaledRows.closed(shape, CODING, 0, memory);
    }

    @Override
    public KvSide open(SideShape shape, MemorySegment memory, int closed) {
        return closed(shape, memory);
    }
}
