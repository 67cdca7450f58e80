package dev.lectern.weights;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.kernel.ElementType;
import dev.lectern.kernel.Interleaved;
import dev.lectern.kernel.Matrix;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A model whose quantised matrices stand {@link Interleaved} in a file of their own, mapped like the model itself. What a kernel reads is in memory once: of the model file only
 * what has no interleaved form is touched.
 *
 * <p>The file is a header of {@value #HEADER} bytes (the magic number, the SHA-256 by which it is known, its length) and the matrices in the order of the model,
 * each at a multiple of 64. Where each begins follows from the model. It is written under another name and renamed when it is whole and on the disk.
 */
final class RepackedModel implements ModelFile {
    /** "LecternW", little-endian. */
    static final long MAGIC = 0x576e72657463654cL;

    static final int HEADER = 64;

    private static final System.Logger LOG = System.getLogger("dev.lectern.weights");

    private final ModelFile model;
    private final Arena arena;
    private final MemorySegment segment;
    private final Map<String, Place> places;

    /** Where a matrix stands in the file. */
    record Place(ElementType type, int rows, int columns, long offset) {
        long bytes() {
            return Interleaved.bytes(type, rows, columns);
        }
    }

    private RepackedModel(ModelFile model, Arena arena, MemorySegment segment, Map<String, Place> places) {
        this.model = model;
        this.arena = arena;
        this.segment = segment;
        this.places = places;
    }

    /**
     * Serves a model from its interleaved copy, which is written first where there is none. A copy that cannot be written is done without, and a warning says why.
     *
     * @param folder that keeps such copies; made if it is missing
     * @param progress in bytes, while the copy is written
     * @return a model that closes the given one; the given one itself where nothing in it gains by being interleaved, or no copy can be had
     * @throws LecternException of kind {@code CANCELLED} on request, and then no copy is left; of kind {@code BAD_MODEL_FILE} if a scale is not a number
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the model
    static ModelFile of(ModelFile model, Path folder, int threads, Progress progress, Cancellation cancellation) {
        Map<String, Place> places = places(model);
        if (places.isEmpty()) {
            return model;
        }
        byte[] key = RepackKey.of(model, places);
        Path file = folder.resolve(RepackKey.fileName(model.path(), key));
        try {
            if (!isWhole(file, key, length(places))) {
                RepackWriter.write(model, places, key, file, threads, progress, cancellation);
            }
            Arena arena = Arena.ofShared();
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
                MemorySegment segment = channel.map(FileChannel.MapMode.READ_ONLY, 0, length(places), arena);
                return new RepackedModel(model, arena, segment, places);
            } catch (Throwable e) {
                arena.close();
                throw e;
            }
        } catch (IOException e) {
            LOG.log(
                    Level.WARNING,
                    "The weights could not be repacked in {0} ({1}), so answers are written more slowly than they could be:"
                            + " make room there, set LECTERN_CACHE to a folder that can be written to, or choose this"
                            + " with --no-repack.",
                    folder,
                    e.getMessage());
            return model;
        }
    }

    /** The matrices that gain, in the order of the model. A table of which rows are looked up is not one of them. */
    private static Map<String, Place> places(ModelFile model) {
        Map<String, Place> places = new LinkedHashMap<>();
        long offset = HEADER;
        for (Tensor tensor : model.tensors()) {
            List<Long> shape = tensor.shape();
            boolean table = tensor.name().equals("position_embd.weight")
                    || tensor.name().equals("token_embd.weight") && model.has("output.weight");
            if (shape.size() == 2 && tensor.isCountable() && Interleaved.suits(tensor.type()) && !table) {
                var place =
                        new Place(tensor.type(), Math.toIntExact(shape.get(0)), Math.toIntExact(shape.get(1)), offset);
                places.put(tensor.name(), place);
                offset = Math.addExact(offset, place.bytes());
            }
        }
        return places;
    }

    static long length(Map<String, Place> places) {
        long end = HEADER;
        for (Place place : places.values()) {
            end = place.offset() + place.bytes();
        }
        return end;
    }

    static ByteBuffer header(byte[] key, long length) {
        ByteBuffer header = ByteBuffer.allocate(HEADER).order(ByteOrder.LITTLE_ENDIAN);
        return header.putLong(MAGIC).put(key).putLong(length).rewind();
    }

    private static boolean isWhole(Path file, byte[] key, long length) throws IOException {
        if (!Files.isRegularFile(file)) {
            return false;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            ByteBuffer header = ByteBuffer.allocate(HEADER);
            while (header.hasRemaining() && channel.read(header) >= 0) {}
            return channel.size() == length && header.rewind().equals(header(key, length));
        }
    }

    @Override
    public Matrix matrix(String name, int rows, int columns) {
        Place place = places.get(name);
        if (place == null || place.rows() != rows || place.columns() != columns) {
            return model.matrix(name, rows, columns); // which refuses a wrong shape
        }
        MemorySegment bytes = segment.asSlice(place.offset(), place.bytes());
        return new Matrix(bytes, place.type(), rows, columns, true);
    }

    @Override
    public Matrix table(String name, int rows, int columns) {
        return model.table(name, rows, columns);
    }

    @Override
    public String format() {
        return model.format();
    }

    @Override
    public Path path() {
        return model.path();
    }

    @Override
    public Metadata metadata() {
        return model.metadata();
    }

    @Override
    public List<Tensor> tensors() {
        return model.tensors();
    }

    @Override
    public List<UnreadableTensor> unreadable() {
        return model.unreadable();
    }

    @Override
    public boolean has(String name) {
        return model.has(name);
    }

    @Override
    public float[] vector(String name, int length) {
        return model.vector(name, length);
    }

    @Override
    public void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
        model.close();
    }
}
