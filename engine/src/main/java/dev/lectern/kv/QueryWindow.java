package dev.lectern.kv;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * The rotated queries of the last {@value #TOKENS} tokens that were read, not those of answers: which keys a text looks for, as far as that can be known before it is asked. Forks share them until one
 * reads on.
 *
 * <p>Rows may be told in any order and from several threads; what is read is in the order of tokens.
 */
public final class QueryWindow {
    /** Tokens whose queries are kept. */
    public static final int TOKENS = 64;

    private static final int NONE = -1;
    private static final ValueLayout.OfFloat F32 = ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final int layers;
    private float[][] rows; // [layers][TOKENS][width]; token t stands at t mod TOKENS
    private int[][] tokens; // [layers][TOKENS]: whose row it is
    private boolean shared;

    QueryWindow(int layers) {
        this(layers, new float[layers][0], new int[layers][0], false);
    }

    private QueryWindow(int layers, float[][] rows, int[][] tokens, boolean shared) {
        this.layers = layers;
        this.rows = rows;
        this.tokens = tokens;
        this.shared = shared;
    }

    /** Bytes of the windows of so many layers. */
    public static long bytes(int layers, int heads, int headDim) {
        return Math.multiplyExact((long) layers * TOKENS, (long) Float.BYTES * heads * headDim);
    }

    QueryWindow fork() {
        shared = true;
        return new QueryWindow(layers, rows, tokens, true);
    }

    /**
     * Makes ready for {@link #tell}.
     *
     * @param width numbers in a row, the same ever after
     */
    void begin(int width) {
        if (!shared && rows[0].length == TOKENS * width) {
            return;
        }
        float[][] own = new float[layers][];
        int[][] of = new int[layers][];
        for (int l = 0; l < layers; l++) {
            own[l] = Arrays.copyOf(rows[l], TOKENS * width);
            of[l] = tokens[l].length == 0 ? none() : tokens[l].clone();
        }
        rows = own;
        tokens = of;
        shared = false;
    }

    private static int[] none() {
        int[] tokens = new int[TOKENS];
        Arrays.fill(tokens, NONE);
        return tokens;
    }

    void tell(int layer, int token, float[] q, int qAt) {
        int place = token % TOKENS, width = width(layer);
        System.arraycopy(q, qAt, rows[layer], place * width, width);
        tokens[layer][place] = token;
    }

    /** What is to be known beside the numbers of {@link #copy}: the width of a row, and whose rows they are. */
    int[] state() {
        int width = width(0);
        if (width == 0) {
            return new int[] {0};
        }
        int[] state = new int[1 + layers * TOKENS];
        state[0] = width;
        for (int l = 0; l < layers; l++) {
            System.arraycopy(tokens[l], 0, state, 1 + l * TOKENS, TOKENS);
        }
        return state;
    }

    /**
     * Bytes of what {@link #copy} gave.
     *
     * @param state of it
     * @param length tokens of the text
     * @throws IllegalArgumentException if that is no state of such a window
     */
    long bytes(int[] state, int length) {
        int width = state[0];
        boolean fits = width == 0 ? state.length == 1 : width > 0 && state.length == 1 + layers * TOKENS;
        for (int i = 1; i < state.length && fits; i++) {
            fits = state[i] == NONE || (state[i] % TOKENS == (i - 1) % TOKENS && state[i] < length);
        }
        if (!fits) {
            throw new IllegalArgumentException("this is not the state of such queries");
        }
        return Math.multiplyExact((long) Float.BYTES * layers * TOKENS, (long) width);
    }

    /** All numbers, f32 {@code [layers][TOKENS][width]}. */
    MemorySegment copy(Arena arena) {
        int count = rows[0].length;
        MemorySegment copy = arena.allocate((long) Float.BYTES * layers * count, Float.BYTES);
        for (int l = 0; l < layers; l++) {
            MemorySegment.copy(rows[l], 0, copy, F32, (long) Float.BYTES * l * count, count);
        }
        return copy;
    }

    /**
     * Takes what another was.
     *
     * @param numbers of its {@link #copy}, {@link #bytes} long
     */
    void load(int[] state, MemorySegment numbers) {
        int count = TOKENS * state[0];
        rows = new float[layers][count];
        tokens = new int[layers][0];
        shared = false;
        for (int l = 0; l < layers && count > 0; l++) {
            MemorySegment.copy(numbers, F32, (long) Float.BYTES * l * count, rows[l], 0, count);
            tokens[l] = Arrays.copyOfRange(state, 1 + l * TOKENS, 1 + (l + 1) * TOKENS);
        }
    }

    /** Forgets tokens from one on. */
    void truncate(int length) {
        int[][] cut = new int[layers][]; // a fork may read the old ones
        for (int l = 0; l < layers; l++) {
            cut[l] = Arrays.stream(tokens[l])
                    .map(token -> token >= length ? NONE : token)
                    .toArray();
        }
        tokens = cut;
    }

    /**
     * The tokens whose queries are there, ascending.
     *
     * @param before only tokens before this one
     */
    public int[] tokens(int layer, int before) {
        return Arrays.stream(tokens[layer])
                .filter(token -> token != NONE && token < before)
                .sorted()
                .toArray();
    }

    /** Numbers in a token's queries. */
    public int width(int layer) {
        return rows[layer].length / TOKENS;
    }

    /** Where the queries {@code [heads][headDim]} of one of {@link #tokens} begin in {@link #rows}. */
    public int at(int layer, int token) {
        return token % TOKENS * width(layer);
    }

    /** The queries of a layer; not to be changed. */
    public float[] rows(int layer) {
        return rows[layer];
    }
}
