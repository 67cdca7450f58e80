package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.kernel.ElementType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A model of a given shape with random weights, as a GGUF file: computes as long as a trained one, says nothing, and needs no
 * network. The weights are spread as GPT-2's are before training (standard deviation 0.02, positions 0.01, projections into the residual
 * stream divided by √(2 · layers)), uniformly instead of normally, so that the file is the same, bit for bit, on every machine.
 *
 * <p>Its tokenizer writes one token per byte; the other tokens of the vocabulary are unused.
 */
final class RandomModel {
    private static final long LOCK_POLL_MILLIS = 50;
    private static final int CHUNK_BYTES = 1 << 20;
    private static final int TOKEN_NORMAL = 1;
    private static final int TOKEN_CONTROL = 3;
    private static final int TOKEN_UNUSED = 5;

    /** Standard deviations. */
    private static final double EMBEDDING = 0.02, INNER = 0.02;

    /** Llama 3's. */
    private static final float ROPE_BASE = 500_000;

    private final ModelShape shape;
    private final long seed;
    private final GgufHeader header = new GgufHeader();
    private final List<Part> parts = new ArrayList<>();
    private final byte[] beginning; // all before the tensors
    private final long bytes;

    /**
     * A tensor to be filled.
     *
     * @param spread half the width of the uniform distribution
     * @param constant what is added to it
     */
    private record Part(ElementType type, long elements, double spread, float constant) {}

    RandomModel(ModelShape shape, long seed) {
        this.shape = shape;
        this.seed = seed;
        describe();
        listTensors();
        beginning = header.bytes();
        bytes = beginning.length + header.tensorBytes();
    }

    private void describe() {
        switch (shape.family()) {
            case GPT2 -> {
                sizes("gpt2", "GPT-2");
                header.number("gpt2.attention.layer_norm_epsilon", 1e-5f);
            }
            case LLAMA -> {
                sizes("llama", "Llama");
                header.integer("llama.attention.head_count_kv", shape.kvHeads())
                        .integer("llama.rope.dimension_count", shape.headDim())
                        .number("llama.rope.freq_base", ROPE_BASE)
                        .number("llama.attention.layer_norm_rms_epsilon", 1e-5f);
            }
        }
        describeTokens();
    }

    private void sizes(String prefix, String family) {
        header.text("general.architecture", prefix)
                .text("general.name", family + " shape, random weights, seed " + seed)
                .integer(prefix + ".context_length", shape.context())
                .integer(prefix + ".embedding_length", shape.hidden())
                .integer(prefix + ".feed_forward_length", shape.feedForward())
                .integer(prefix + ".block_count", shape.layers())
                .integer(prefix + ".attention.head_count", shape.heads());
    }

    private void describeTokens() {
        List<String> tokens = new ArrayList<>(byteTokens());
        int[] types = new int[shape.vocabulary()];
        Arrays.fill(types, TOKEN_UNUSED);
        Arrays.fill(types, 0, tokens.size(), TOKEN_NORMAL);
        int end = shape.vocabulary() - 1;
        while (tokens.size() < end) {
            tokens.add("<unused" + tokens.size() + ">");
        }
        tokens.add("<|endoftext|>");
        types[end] = TOKEN_CONTROL;
        header.text("tokenizer.ggml.model", "gpt2")
                .text("tokenizer.ggml.pre", "gpt-2")
                .texts("tokenizer.ggml.tokens", tokens)
                .integers("tokenizer.ggml.token_type", types)
                .texts("tokenizer.ggml.merges", List.of())
                .integer("tokenizer.ggml.bos_token_id", end)
                .integer("tokenizer.ggml.eos_token_id", end);
    }

    /** The bytes as GPT-2 writes them: those that Latin-1 can print as themselves, the others from U+0100 on. */
    private static List<String> byteTokens() {
        List<String> tokens = new ArrayList<>();
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b > ' ' && b < 0x7F) || (b > 0xA0 && b != 0xAD);
            tokens.add(String.valueOf(printable ? (char) b : next++));
        }
        return tokens;
    }

    private void listTensors() {
        switch (shape.family()) {
            case GPT2 -> listGpt2();
            case LLAMA -> listLlama();
        }
    }

    private void listGpt2() {
        int hidden = shape.hidden(), wide = shape.feedForward();
        random("token_embd.weight", EMBEDDING, shape.vocabulary(), hidden);
        random("position_embd.weight", 0.01, shape.context(), hidden);
        for (int layer = 0; layer < shape.layers(); layer++) {
            String p = "blk." + layer + ".";
            layerNorm(p + "attn_norm");
            biased(p + "attn_qkv", INNER, 3 * hidden, hidden);
            biased(p + "attn_output", residual(), hidden, hidden);
            layerNorm(p + "ffn_norm");
            biased(p + "ffn_up", INNER, wide, hidden);
            biased(p + "ffn_down", residual(), hidden, wide);
        }
        layerNorm("output_norm");
    }

    private void listLlama() {
        int hidden = shape.hidden(), wide = shape.feedForward(), keys = shape.kvHeads() * shape.headDim();
        random("token_embd.weight", EMBEDDING, shape.vocabulary(), hidden);
        for (int layer = 0; layer < shape.layers(); layer++) {
            String p = "blk." + layer + ".";
            rmsNorm(p + "attn_norm");
            random(p + "attn_q.weight", INNER, hidden, hidden);
            random(p + "attn_k.weight", INNER, keys, hidden);
            random(p + "attn_v.weight", INNER, keys, hidden);
            random(p + "attn_output.weight", residual(), hidden, hidden);
            rmsNorm(p + "ffn_norm");
            random(p + "ffn_gate.weight", INNER, wide, hidden);
            random(p + "ffn_up.weight", INNER, wide, hidden);
            random(p + "ffn_down.weight", residual(), hidden, wide);
        }
        rmsNorm("output_norm");
    }

    private double residual() {
        return INNER / Math.sqrt(2.0 * shape.layers());
    }

    private void biased(String name, double deviation, int outputs, int inputs) {
        random(name + ".weight", deviation, outputs, inputs);
        constant(name + ".bias", 0, outputs);
    }

    private void layerNorm(String name) {
        constant(name + ".weight", 1, shape.hidden());
        constant(name + ".bias", 0, shape.hidden());
    }

    private void rmsNorm(String name) {
        constant(name + ".weight", 1, shape.hidden());
    }

    private void random(String name, double deviation, int rows, int columns) {
        header.tensor(name, shape.weights(), rows, columns);
        parts.add(new Part(shape.weights(), (long) rows * columns, deviation * Math.sqrt(3), 0));
    }

    private void constant(String name, float value, int length) {
        header.tensor(name, ElementType.F32, length);
        parts.add(new Part(ElementType.F32, length, 0, value));
    }

    /** Bytes of the file. */
    long bytes() {
        return bytes;
    }

    /**
     * Writes the file, unless it is there already. It gets its name when it is whole; what an interrupted writing leaves behind has another
     * one, and the next writing takes it over.
     *
     * @param progress in bytes
     * @throws LecternException of kind {@code NO_SPACE} before anything is written, {@code CANCELLED}, or {@code BAD_OPTION} if it cannot
     *     be written there
     */
    void write(Path file, Progress progress, Cancellation cancellation) {
        try {
            if (isWritten(file)) {
                return;
            }
            Path target = file.toAbsolutePath();
            Path folder = target.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            Path lockFile = target.resolveSibling(target.getFileName() + ".lock");
            try (FileChannel lockChannel =
                            FileChannel.open(lockFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
                    FileLock _ = locked(lockChannel, cancellation)) {
                if (!isWritten(file)) {
                    writeLocked(target, progress, cancellation);
                }
            }
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
    }

    private static FileLock locked(FileChannel channel, Cancellation cancellation) throws IOException {
        while (true) {
            cancellation.check();
            try {
                FileLock lock = channel.tryLock();
                if (lock != null) {
                    return lock;
                }
            } catch (OverlappingFileLockException e) {
                // Another thread of this program writes it: as if it were another program.
            }
            try {
                Thread.sleep(LOCK_POLL_MILLIS);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.", e);
            }
        }
    }

    /** Whether a file begins as this one would, down to names and seed, and is as long. */
    private boolean isWritten(Path file) throws IOException {
        if (!Files.isRegularFile(file) || Files.size(file) != bytes) {
            return false;
        }
        try (var in = Files.newInputStream(file)) {
            return Arrays.equals(in.readNBytes(beginning.length), beginning);
        }
    }

    private void writeLocked(Path target, Progress progress, Cancellation cancellation) throws IOException {
        Path part = target.resolveSibling(target.getFileName() + ".part");
        Files.deleteIfExists(part);
        requireSpace(target);
        try {
            try (FileChannel out = FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
                writeFully(out, ByteBuffer.wrap(beginning));
                for (int i = 0; i < parts.size(); i++) {
                    fill(out, parts.get(i), mixed(seed + i), progress, cancellation);
                }
                out.force(true);
            }
            AtomicFile.publish(part, target);
        } catch (IOException | RuntimeException e) {
            Files.deleteIfExists(part);
            throw e;
        }
    }

    private void requireSpace(Path target) throws IOException {
        Path folder = target.getParent();
        long usable =
                folder == null ? Long.MAX_VALUE : Files.getFileStore(folder).getUsableSpace();
        if (usable < bytes) {
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    target + " needs " + bytes + " bytes, but its disk has " + usable
                            + " left: free some, or set LECTERN_CACHE to a folder on another disk.");
        }
    }

    private void fill(FileChannel out, Part part, long start, Progress progress, Cancellation cancellation)
            throws IOException {
        int atATime = part.type.blockElements();
        ByteBuffer buffer = ByteBuffer.allocate(CHUNK_BYTES / part.type.blockBytes() * part.type.blockBytes())
                .order(ByteOrder.LITTLE_ENDIAN);
        for (long i = 0; i < part.elements; i += atATime) {
            if (part.type == ElementType.Q8_0) {
                putBlock(buffer, part, start, i);
            } else {
                buffer.putFloat(part.spread == 0 ? part.constant : (float) (part.spread * uniform(start, i)));
            }
            if (!buffer.hasRemaining() || i + atATime == part.elements) {
                cancellation.check();
                writeFully(out, buffer.flip());
                buffer.clear();
                progress.report(out.position(), bytes);
            }
        }
        long length = part.type.bytes(part.elements);
        writeFully(out, ByteBuffer.allocate((int) (GgufHeader.padded(length) - length)));
    }

    private static void putBlock(ByteBuffer buffer, Part part, long start, long from) {
        buffer.putShort(Float.floatToFloat16((float) (part.spread / Byte.MAX_VALUE)));
        for (long i = from; i < from + part.type.blockElements(); i++) {
            buffer.put((byte) Math.round(Byte.MAX_VALUE * uniform(start, i)));
        }
    }

    private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            out.write(bytes);
        }
    }

    /** The i-th number of a stream: one of 2^24 values between −1 and 1, none of them 0. */
    private static double uniform(long start, long i) {
        long bits = mixed(start + i * 0x9E3779B97F4A7C15L) >>> 40;
        return (bits + 0.5) / (1 << 23) - 1;
    }

    /** SplitMix64's mixer (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014). */
    private static long mixed(long x) {
        long z = x + 0x9E3779B97F4A7C15L;
        z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
        z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
        return z ^ (z >>> 31);
    }
}
