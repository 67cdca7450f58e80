package dev.lectern.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes small safetensors files for tests, also wrong ones: nothing is checked. */
public final class SafetensorsWriter {
    private final List<String> members = new ArrayList<>();
    private final LittleEndianBytes data = new LittleEndianBytes();
    private int headerAlignment = 8;

    /** Pads the header with spaces, as the format's own library does since its version 0.3; 1 for none. */
    public SafetensorsWriter headerAlignment(int bytes) {
        headerAlignment = bytes;
        return this;
    }

    /** A tensor of F32. */
    public SafetensorsWriter floats(String name, float[] values, long... shape) {
        return tensor(name, "F32", LittleEndianBytes.ofFloats(values), shape);
    }

    public SafetensorsWriter tensor(String name, String dtype, byte[] bytes, long... shape) {
        int begin = data.size();
        data.all(bytes);
        return member(
                name,
                "{\"dtype\":\"" + dtype + "\",\"shape\":" + Arrays.toString(shape) + ",\"data_offsets\":[" + begin + ","
                        + data.size() + "]}");
    }

    /** A member of the header as it will stand there. */
    public SafetensorsWriter member(String name, String json) {
        members.add("\"" + name + "\":" + json);
        return this;
    }

    /** The header, without its length. */
    public String header() {
        return "{" + String.join(",", members) + "}";
    }

    public byte[] toBytes() {
        return frame(header(), data.toBytes(), headerAlignment);
    }

    /** The bytes of all tensors. */
    public byte[] tensorBytes() {
        return data.toBytes();
    }

    /** A file of any header and any tensors. */
    static byte[] frame(String header, byte[] tensors, int headerAlignment) {
        byte[] utf8 = header.getBytes(UTF_8);
        byte[] padded = Arrays.copyOf(utf8, Math.ceilDiv(utf8.length, headerAlignment) * headerAlignment);
        Arrays.fill(padded, utf8.length, padded.length, (byte) ' ');
        return new LittleEndianBytes()
                .int64(padded.length)
                .all(padded)
                .all(tensors)
                .toBytes();
    }

    public void write(Path file) throws IOException {
        Files.write(file, toBytes());
    }
}
