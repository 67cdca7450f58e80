package dev.lectern.weights;

import dev.lectern.kernel.ElementType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * By what the weights of a model are known: the name, type and shape of each tensor and some of its bytes. The path does not count, and a copy in another layout has the digest of its
 * model. All bytes would take as long to read as the file; a model that was trained further differs in every matrix.
 */
public final class WeightsDigest {
    /** Of each tensor, so many runs of bytes, evenly spread. */
    private static final int SAMPLES = 8;

    private static final int SAMPLE_BYTES = 64;

    /** No model has a longer one; of what claims to be, the shape is enough. */
    private static final int LONGEST_VECTOR = 1 << 24;

    private WeightsDigest() {}

    /** SHA-256, in hexadecimal digits. */
    public static String of(ModelFile model) {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has SHA-256", e);
        }
        for (ModelFile.Tensor tensor : model.tensors()) {
            String line = tensor.name() + " " + tensor.type() + " " + tensor.shape() + "\n";
            digest.update(line.getBytes(StandardCharsets.UTF_8));
            if (!tensor.isCountable()) {
                continue;
            }
            if (tensor.shape().size() == 2) {
                int rows = Math.toIntExact(tensor.shape().get(0)),
                        columns = Math.toIntExact(tensor.shape().get(1));
                sample(digest, model.table(tensor.name(), rows, columns).segment());
            } else if (tensor.shape().size() == 1
                    && isFloat(tensor.type())
                    && tensor.shape().getFirst() <= LONGEST_VECTOR) {
                float[] vector = model.vector(
                        tensor.name(), Math.toIntExact(tensor.shape().getFirst()));
                ByteBuffer bytes = ByteBuffer.allocate(Float.BYTES * vector.length);
                bytes.asFloatBuffer().put(vector);
                digest.update(bytes);
            }
        }
        return HexFormat.of().formatHex(digest.digest());
    }

    private static boolean isFloat(ElementType type) {
        return type == ElementType.F32 || type == ElementType.F16 || type == ElementType.BF16;
    }

    private static void sample(MessageDigest digest, MemorySegment bytes) {
        byte[] sample = new byte[(int) Math.min(SAMPLE_BYTES, bytes.byteSize())];
        for (int i = 0; i < SAMPLES; i++) {
            long at = (bytes.byteSize() - sample.length) / (SAMPLES - 1) * i;
            MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, sample, 0, sample.length);
            digest.update(sample);
        }
    }
}
