package dev.lectern.kept;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;

/**
 * A page, a tail or an index on the disk, mapped and found to be what it says. It is never written again, so its bytes may be used where they lie; they are freed with {@link #arena}.
 */
public final class KeptFile implements AutoCloseable {
    private final KeptHeader header;
    private final MemorySegment file;
    private final Arena arena;

    private KeptFile(KeptHeader header, MemorySegment file, Arena arena) {
        this.header = header;
        this.file = file;
        this.arena = arena;
    }

    /**
     * Maps a file and checks its header, and on request all of it.
     *
     * @throws IOException if it cannot be read, or is a symbolic link
     * @throws KeptHeader.DamagedException if it is not such a file
     */
    @SuppressWarnings("MustBeClosedChecker") // the arena is closed with the file, or by who takes its bytes over
    static KeptFile open(Path path, boolean whole) throws IOException {
        Arena arena = Arena.ofShared();
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            MemorySegment file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
            KeptHeader.Read read = KeptHeader.read(file);
            KeptHeader header = read.header();
            if (whole) {
                int crc = KeptHeader.crc(List.of(file.asSlice(header.payloadAt())));
                KeptHeader.require(crc == read.payloadCrc(), "its content does not have its checksum");
            }
            return new KeptFile(header, file, arena);
        } catch (InternalError e) {
            // What the JVM makes of a read beyond the end of a file that shrank after it was mapped.
            arena.close();
            throw new KeptHeader.DamagedException("it shrank while it was read");
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    KeptHeader header() {
        return header;
    }

    /** Whether it holds the tokens from … to of a text, behind the same beginning and under the same fingerprint. */
    public boolean holds(Hash fingerprint, Hash previous, int[] text, int from, int to) {
        return header.fingerprint().equals(fingerprint)
                && header.previous().equals(previous)
                && header.first() == from
                && Arrays.equals(header.tokens(), 0, header.tokens().length, text, from, to);
    }

    /** Whether it is the index of that name, of a text of so many tokens that ends with a hash. */
    public boolean isIndex(Hash fingerprint, Hash text, int tokens, String name) {
        return header.kind() == KeptHeader.Kind.INDEX
                && header.fingerprint().equals(fingerprint)
                && header.previous().equals(text)
                && header.first() == tokens
                && header.description().equals(name);
    }

    public int[] state() {
        return header.state();
    }

    /** What people are told of it. */
    public String description() {
        return header.description();
    }

    /** Length of the file. */
    public long fileBytes() {
        return file.byteSize();
    }

    /** Keys and values, or the memory of an index, from a multiple of 64 on. */
    public MemorySegment payload() {
        return file.asSlice(header.payloadAt(), header.payloadBytes());
    }

    /** The logits after the last token, f32; empty if they were not kept. */
    public MemorySegment logits() {
        return file.asSlice(header.payloadAt() + header.payloadBytes(), 4L * header.logits());
    }

    /** Owns the mapping. Who takes the payload over closes this in place of the file. */
    public Arena arena() {
        return arena;
    }

    @Override
    public void close() {
        arena.close();
    }
}
