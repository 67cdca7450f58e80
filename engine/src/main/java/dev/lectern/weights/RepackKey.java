package dev.lectern.weights;

import dev.lectern.kernel.Matrix;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;

/**
 * By what a repacked copy is known: the layout's version, and of each matrix its name, type, shape and some of its bytes. The path does not count, so a model that is moved keeps
 * its copy, and one that is replaced under its name loses it.
 */
final class RepackKey {
    /** Raised whenever the layout of {@link dev.lectern.kernel.Interleaved} or of the file changes. */
    private static final int VERSION = 3;

    /** Of each matrix, so many runs of bytes, evenly spread. */
    private static final int SAMPLES = 4;

    private static final int SAMPLE_BYTES = 64;

    private RepackKey() {}

    static byte[] of(ModelFile model, Map<String, RepackedModel.Place> places) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
        digest.update((byte) VERSION);
        byte[] sample = new byte[SAMPLE_BYTES];
        places.forEach((name, place) -> {
            String line = name + " " + place.type() + " " + place.rows() + " " + place.columns() + "\n";
            digest.update(line.getBytes(StandardCharsets.UTF_8));
            Matrix matrix = model.table(name, place.rows(), place.columns());
            MemorySegment bytes = matrix.segment();
            int length = (int) Math.min(SAMPLE_BYTES, bytes.byteSize());
            for (int i = 0; i < SAMPLES; i++) {
                long at = (bytes.byteSize() - length) / (SAMPLES - 1) * i;
                MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, sample, 0, length);
                digest.update(sample, 0, length);
            }
        });
        return digest.digest();
    }

    static String fileName(Path model, byte[] key) {
        Path name = model.getFileName();
        String stem = name == null ? "model" : name.toString().replaceFirst("\\.gguf$", "");
        return stem + "-" + HexFormat.of().formatHex(key, 0, 8) + ".weights";
    }
}
