package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/**
 * Writes a safetensors file piece by piece, in any order, without holding it in memory. It gets its name when it is whole and on the disk; until
 * then it is called {@code NAME.part}, and is deleted where the writing is given up.
 *
 * <p>Source: "Format", github.com/huggingface/safetensors. The header is filled up with spaces so that the elements are aligned.
 */
final class SafetensorsWriter implements AutoCloseable {
    private static final int BUFFER_BYTES = 1 << 20;
    private static final int ELEMENT_BYTES = 4; // of F32 and of I32
    private static final JsonFactory JSON = JsonFactory.builder().build();

    private final Path target;
    private final Path part;
    private final Map<String, Long> begins = new LinkedHashMap<>(); // bytes, from the beginning of the file
    private final FileChannel channel;
    private final ByteBuffer buffer = ByteBuffer.allocateDirect(BUFFER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private long missing; // bytes of elements that are not written yet
    private boolean finished;

    /**
     * A tensor to be written.
     *
     * @param type {@code F32} or {@code I32}
     * @param shape outermost dimension first
     */
    record Tensor(String name, String type, List<Integer> shape) {
        long bytes() {
            long bytes = ELEMENT_BYTES;
            for (int size : shape) {
                bytes = Math.multiplyExact(bytes, (long) size);
            }
            return bytes;
        }
    }

    /**
     * Writes the header.
     *
     * @throws LecternException of kind {@code NO_SPACE} if the disk cannot hold the file, {@code BAD_OPTION} if it cannot be written there
     */
    @SuppressWarnings("MustBeClosedChecker") // the channel is closed with the writer
    SafetensorsWriter(Path file, Map<String, String> metadata, List<Tensor> tensors) {
        target = file.toAbsolutePath();
        part = target.resolveSibling(target.getFileName() + ".part");
        byte[] header = header(metadata, tensors);
        long at = Math.addExact(Long.BYTES, header.length);
        for (Tensor tensor : tensors) {
            begins.put(tensor.name(), at);
            at = Math.addExact(at, tensor.bytes());
            missing = Math.addExact(missing, tensor.bytes());
        }
        try {
            Path folder = target.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
                requireSpace(folder, at);
            }
            Files.deleteIfExists(part);
            channel = FileChannel.open(part, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(file, e);
        }
        writeHeader(header);
    }

    private static byte[] header(Map<String, String> metadata, List<Tensor> tensors) {
        StringWriter text = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), text)) {
            json.writeStartObject();
            json.writeObjectPropertyStart("__metadata__");
            metadata.forEach(json::writeStringProperty);
            json.writeEndObject();
            long at = 0;
            for (Tensor tensor : tensors) {
                json.writeObjectPropertyStart(tensor.name());
                json.writeStringProperty("dtype", tensor.type());
                json.writeArrayPropertyStart("shape");
                tensor.shape().forEach(json::writeNumber);
                json.writeEndArray();
                json.writeArrayPropertyStart("data_offsets");
                json.writeNumber(at);
                at = Math.addExact(at, tensor.bytes());
                json.writeNumber(at);
                json.writeEndArray();
                json.writeEndObject();
            }
            json.writeEndObject();
        }
        byte[] bytes = text.toString().getBytes(StandardCharsets.UTF_8);
        byte[] spaces = " ".repeat(Math.floorMod(-bytes.length, Long.BYTES)).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(bytes.length + spaces.length)
                .put(bytes)
                .put(spaces)
                .array();
    }

    private void requireSpace(Path folder, long bytes) throws IOException {
        long usable = Files.getFileStore(folder).getUsableSpace();
        if (usable < bytes) {
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    target + " needs " + bytes + " bytes, but its disk has " + usable
                            + " left: free some, name a folder on another disk, or record fewer layers or tokens.");
        }
    }

    private void writeHeader(byte[] header) {
        ByteBuffer bytes = ByteBuffer.allocate(Long.BYTES + header.length).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putLong(header.length).put(header).flip();
        try {
            writeFully(bytes, 0);
        } catch (IOException e) {
            close();
            throw AtomicFile.cannotWrite(target, e);
        }
    }

    /**
     * Writes elements of an F32 tensor, each once.
     *
     * @param first the index in the tensor of the first
     * @param count of the elements of x from {@code from}
     */
    void write(String tensor, long first, float[] x, int from, int count) {
        try {
            long at = at(tensor, first);
            for (int done = 0; done < count; ) {
                int now = Math.min(count - done, BUFFER_BYTES / ELEMENT_BYTES);
                buffer.clear();
                buffer.asFloatBuffer().put(x, from + done, now);
                writeFully(buffer.limit(now * ELEMENT_BYTES), at + (long) done * ELEMENT_BYTES);
                done += now;
            }
            missing -= (long) count * ELEMENT_BYTES;
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(target, e);
        }
    }

    /** Writes a whole I32 tensor. */
    void write(String tensor, int[] x) {
        ByteBuffer bytes =
                ByteBuffer.allocate(Math.multiplyExact(x.length, ELEMENT_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asIntBuffer().put(x);
        try {
            writeFully(bytes, at(tensor, 0));
            missing -= bytes.limit();
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(target, e);
        }
    }

    private long at(String tensor, long element) {
        Long begin = begins.get(tensor);
        if (begin == null) {
            throw new IllegalArgumentException("there is no tensor " + tensor);
        }
        return begin + element * ELEMENT_BYTES;
    }

    private void writeFully(ByteBuffer bytes, long at) throws IOException {
        for (long to = at; bytes.hasRemaining(); ) {
            to += channel.write(bytes, to);
        }
    }

    /**
     * Gives the file its name.
     *
     * @throws IllegalStateException if elements are missing, or were written twice
     */
    void finish() {
        if (missing != 0) {
            throw new IllegalStateException(missing + " bytes of " + target + " were not written");
        }
        try {
            channel.force(true);
            channel.close();
            AtomicFile.publish(part, target);
            finished = true;
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(target, e);
        }
    }

    /** Gives the writing up, unless it is finished. */
    @Override
    public void close() {
        if (finished) {
            return;
        }
        try {
            channel.close();
            Files.deleteIfExists(part);
        } catch (IOException e) {
            throw AtomicFile.cannotWrite(target, e);
        }
    }
}
