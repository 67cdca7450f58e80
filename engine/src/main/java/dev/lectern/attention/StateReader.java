package dev.lectern.attention;

import dev.lectern.kv.NativeBlock;
import java.util.stream.IntStream;

/** Takes apart what an index was kept as: numbers one after another, and parts of its bytes. */
final class StateReader {
    private final int[] state;
    private final NativeBlock bytes;
    private int at;
    private long offset;

    StateReader(int[] state, NativeBlock bytes) {
        this.state = state;
        this.bytes = bytes;
    }

    /** Floats as numbers of a state. */
    static IntStream bits(float[] floats) {
        return IntStream.range(0, floats.length).map(i -> Float.floatToRawIntBits(floats[i]));
    }

    static void require(boolean fits) {
        if (!fits) {
            throw new IllegalArgumentException("it is not the image of such an index");
        }
    }

    /** The next number, which is in a range. */
    int next(int least, int most) {
        require(at < state.length && state[at] >= least && state[at] <= most);
        return state[at++];
    }

    /** The next numbers. */
    float[] floats(int count) {
        require(count <= state.length - at);
        float[] floats = new float[count];
        for (int i = 0; i < count; i++) {
            floats[i] = Float.intBitsToFloat(state[at++]);
        }
        return floats;
    }

    /** The next part of the bytes, with one holder. */
    NativeBlock part(long count) {
        require(count <= bytes.memory().byteSize() - offset);
        NativeBlock part = bytes.part(offset, count);
        offset += count;
        return part;
    }

    /** Says that nothing may be left. */
    void end() {
        require(at == state.length && offset == bytes.memory().byteSize());
    }
}
