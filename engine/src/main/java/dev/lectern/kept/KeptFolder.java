package dev.lectern.kept;

import dev.lectern.LecternException;
import java.io.IOException;
import java.lang.System.Logger.Level;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;

/**
 * The folder that keeps what was read:
 *
 * <pre>
 * pages/FIRST-HASH.page   256 tokens, all layers; FIRST is the position of the first token
 * tails/FIRST-HASH.tail   what follows the last page of a reading, open, and how to go on from there
 * indexes/END-HASH.index  what a method of attention keeps of a reading beside; END is its number of tokens
 * documents/NAME.json     the name of a reading
 * lock                    held by who evicts
 * </pre>
 *
 * Files are for their owner alone. Each is written under another name, brought to the disk and renamed, so that whoever opens it finds all of it; a writer that dies leaves a name
 * that begins with {@value #PART}, which is removed after a day. A symbolic link is not followed.
 */
public final class KeptFolder {
    static final String PART = ".part-";
    static final String PAGES = "pages";
    static final String TAILS = "tails";
    static final String INDEXES = "indexes";
    static final String DOCUMENTS = "documents";

    /** The names of pages, tails and indexes. */
    private static final Pattern NAME = Pattern.compile("[0-9]{8,10}-[0-9a-f]{" + Hash.DIGITS + "}\\.[a-z]+");

    private static final Pattern PART_NAME = Pattern.compile(Pattern.quote(PART) + "[0-9a-f-]{36}");

    private static final System.Logger LOG = System.getLogger("dev.lectern.kept");
    private static final Set<PosixFilePermission> OWNER_FOLDER = PosixFilePermissions.fromString("rwx------");
    private static final Set<PosixFilePermission> OWNER_FILE = PosixFilePermissions.fromString("rw-------");

    /** Writes bytes to a channel, all of them. A test gives one that fails as a full disk does. */
    @FunctionalInterface
    interface Disk {
        void write(FileChannel channel, ByteBuffer bytes) throws IOException;

        /** The real one. */
        Disk SYSTEM = (channel, bytes) -> {
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
        };
    }

    private final Path root;
    private final Disk disk;

    KeptFolder(Path root, Disk disk) {
        this.root = root.toAbsolutePath().normalize();
        this.disk = disk;
    }

    /** Touches nothing yet: folders are made when something is kept. */
    public KeptFolder(Path root) {
        this(root, Disk.SYSTEM);
    }

    public Path root() {
        return root;
    }

    /** A folder in it. */
    Path folder(String name) {
        return root.resolve(name);
    }

    /** Whether a folder in it is there, and is no symbolic link: what is behind one is somebody else's, and neither read nor deleted. */
    boolean isOurs(String name) {
        return Files.isDirectory(root, LinkOption.NOFOLLOW_LINKS)
                && Files.isDirectory(folder(name), LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * What is in a folder in it, whatever it is; nothing where the folder is not {@linkplain #isOurs ours}.
     *
     * @param glob what names have to match
     */
    List<Path> files(String in, String glob) throws IOException {
        List<Path> all = new ArrayList<>();
        if (!isOurs(in)) {
            return all;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder(in), glob)) {
            files.forEach(all::add);
        } catch (DirectoryIteratorException e) {
            throw e.getCause();
        } catch (NoSuchFileException | NotDirectoryException e) {
            return List.of(); // somebody removed it just now
        }
        return all;
    }

    /** Whether a page, a tail or an index may have that name in a folder, or a writer that has not come to its end. */
    static boolean isName(String in, String name) {
        boolean isWhole = NAME.matcher(name).matches()
                && Arrays.stream(KeptHeader.Kind.values())
                        .anyMatch(kind -> kind.folder.equals(in) && name.endsWith("." + kind.suffix));
        return isWhole || PART_NAME.matcher(name).matches();
    }

    private static String name(KeptHeader.Kind kind, int first, Hash hash) {
        return String.format(Locale.ROOT, "%08d-%s.%s", first, hash.hex(), kind.suffix);
    }

    private Path path(KeptHeader.Kind kind, int first, Hash hash) {
        return folder(kind.folder).resolve(name(kind, first, hash));
    }

    /** Where the page is that begins at a position and ends with a hash of the chain; whether or not it is there. */
    public Path page(int first, Hash hash) {
        return path(KeptHeader.Kind.PAGE, first, hash);
    }

    /** Where the tail is that begins at a position and ends with a hash; whether or not it is there. */
    public Path tail(int first, Hash hash) {
        return path(KeptHeader.Kind.TAIL, first, hash);
    }

    /** Where the index of a name is, of a text of so many tokens that ends with a hash; whether or not it is there. */
    public Path index(int tokens, Hash text, String name) {
        return path(KeptHeader.Kind.INDEX, tokens, text.then(name));
    }

    /** Where a file with that header belongs. */
    Path path(KeptHeader header) {
        return path(header.kind(), header.first(), header.hash());
    }

    /** Whether a file of this folder is there; a symbolic link is none. */
    public static boolean isThere(Path file) {
        return Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS);
    }

    /**
     * Opens a page, a tail or an index and verifies all of it. One that is damaged is told of, with its name, and deleted; what it held will be computed again.
     *
     * @return empty if there is none, or none that can be used
     */
    public Optional<KeptFile> open(Path path) {
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS) || !isOurs(path)) {
            return Optional.empty();
        }
        try {
            return Optional.of(KeptFile.open(path, true));
        } catch (KeptHeader.DamagedException e) {
            discard(path, String.valueOf(e.getMessage()));
        } catch (NoSuchFileException e) {
            return Optional.empty(); // somebody evicted it just now
        } catch (IOException e) {
            warn(path + " cannot be read (" + e + "), so what it holds is computed again.");
        }
        return Optional.empty();
    }

    /** Deletes a file that is not what it should be, and says so. */
    public void discard(Path path, String why) {
        try {
            Files.deleteIfExists(path);
            warn(path + " was damaged (" + why + "): it is deleted, and what it held is computed again.");
        } catch (IOException e) {
            warn(path + " is damaged (" + why + ") and cannot be deleted (" + e
                    + "): delete it; what it held is computed again.");
        }
    }

    /** Whether neither the file nor a folder on the way to it within this one is a symbolic link; says so otherwise. */
    private boolean isOurs(Path path) {
        for (Path each : List.of(root, path.resolveSibling("").normalize(), path)) {
            if (Files.isSymbolicLink(each)) {
                warn(each
                        + " is a symbolic link, which is not followed: put the file itself there, or delete the link.");
                return false;
            }
        }
        return true;
    }

    private static void warn(String sentence) {
        LOG.log(Level.WARNING, sentence);
    }

    /**
     * Keeps a page.
     *
     * @param used its time of use
     * @return bytes written; 0 if it was there already
     * @throws IOException if it cannot be written; then nothing of it is left
     */
    public long publishPage(
            Hash fingerprint, int first, Hash previous, int[] tokens, MemorySegment payload, FileTime used)
            throws IOException {
        KeptHeader header = new KeptHeader(
                KeptHeader.Kind.PAGE, fingerprint, first, previous, tokens, new int[0], "", 0, payload.byteSize());
        return publish(header, List.of(payload), used, false);
    }

    /**
     * Keeps a tail, in place of one of the same tokens.
     *
     * @param payload open pages, one after the other
     * @param logits f32
     * @return bytes written
     * @throws IOException if it cannot be written; then nothing of it is left
     */
    public long publishTail(
            Hash fingerprint,
            int first,
            Hash previous,
            int[] tokens,
            int[] state,
            String description,
            List<MemorySegment> payload,
            MemorySegment logits,
            FileTime used)
            throws IOException {
        long bytes = payload.stream().mapToLong(MemorySegment::byteSize).reduce(0, Math::addExact);
        KeptHeader header = new KeptHeader(
                KeptHeader.Kind.TAIL,
                fingerprint,
                first,
                previous,
                tokens,
                state,
                description,
                Math.toIntExact(logits.byteSize() / Float.BYTES),
                bytes);
        List<MemorySegment> parts = new ArrayList<>(payload);
        parts.add(logits);
        return publish(header, parts, used, true);
    }

    /**
     * Keeps an index, in place of one of the same name.
     *
     * @param tokens of the text
     * @param text its hash
     * @param state what is to be known beside the payload
     * @return bytes written
     * @throws IOException if it cannot be written; then nothing of it is left
     */
    public long publishIndex(
            Hash fingerprint,
            int tokens,
            Hash text,
            String name,
            int[] state,
            List<MemorySegment> payload,
            FileTime used)
            throws IOException {
        long bytes = payload.stream().mapToLong(MemorySegment::byteSize).reduce(0, Math::addExact);
        KeptHeader header =
                new KeptHeader(KeptHeader.Kind.INDEX, fingerprint, tokens, text, new int[0], state, name, 0, bytes);
        return publish(header, payload, used, true);
    }

    private long publish(KeptHeader header, List<MemorySegment> parts, FileTime used, boolean replace)
            throws IOException {
        Path path = path(header);
        if (!replace && holds(path, header.fileBytes())) {
            touch(path, used);
            return 0;
        }
        publish(path, used, channel -> {
            disk.write(channel, header.write(KeptHeader.crc(parts)));
            for (MemorySegment part : parts) {
                for (long at = 0; at < part.byteSize(); at += KeptHeader.PIECE) {
                    long bytes = Math.min(KeptHeader.PIECE, part.byteSize() - at);
                    disk.write(channel, part.asSlice(at, bytes).asByteBuffer());
                }
            }
        });
        return header.fileBytes();
    }

    /** Whether a file is there and has so many bytes. */
    private static boolean holds(Path path, long bytes) throws IOException {
        try {
            BasicFileAttributes file = Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
            return file.isRegularFile() && file.size() == bytes;
        } catch (NoSuchFileException e) {
            return false; // it never was there, or was evicted just now
        }
    }

    /** Keeps a text under a name in the folder of documents, in place of what was there. */
    void publishDocument(String name, byte[] text) throws IOException {
        publish(
                folder(DOCUMENTS).resolve(name + ".json"),
                FileTime.fromMillis(System.currentTimeMillis()),
                channel -> disk.write(channel, ByteBuffer.wrap(text)));
    }

    /** Writes what a file is to hold. */
    @FunctionalInterface
    private interface Content {
        void write(FileChannel channel) throws IOException;
    }

    private void publish(Path path, FileTime used, Content content) throws IOException {
        Path folder = path.resolveSibling("").normalize();
        prepare(folder);
        Path part = folder.resolve(PART + UUID.randomUUID());
        try {
            try (FileChannel channel = FileChannel.open(
                    part,
                    Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS),
                    ofOwner(part))) {
                content.write(channel);
                channel.force(true);
            }
            Files.setLastModifiedTime(part, used);
            move(part, path);
        } finally {
            Files.deleteIfExists(part);
        }
        try (FileChannel names = FileChannel.open(folder, StandardOpenOption.READ)) {
            names.force(true);
        } catch (IOException e) {
            return; // Some systems cannot open a folder; there the name is safe by itself.
        }
    }

    private static void move(Path from, Path to) throws IOException {
        try {
            Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    /** Makes a folder, and those above it, for the owner alone. */
    void prepare(Path folder) throws IOException {
        for (Path each : List.of(root, folder)) {
            if (Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)) {
                continue;
            }
            if (Files.isSymbolicLink(each)) {
                throw new IOException(each + " is a symbolic link, which is not followed");
            }
            Path above = each.getParent();
            if (above != null) {
                Files.createDirectories(above);
            }
            try {
                Files.createDirectory(each, attributes(each, OWNER_FOLDER));
            } catch (FileAlreadyExistsException e) {
                if (!Files.isDirectory(each, LinkOption.NOFOLLOW_LINKS)) {
                    throw e;
                }
            }
        }
    }

    /** Those of a file for its owner alone, where the system has such. */
    static FileAttribute<?>[] ofOwner(Path file) {
        return attributes(file, OWNER_FILE);
    }

    /** Permissions, where the system has such. */
    private static FileAttribute<?>[] attributes(Path path, Set<PosixFilePermission> permissions) {
        return path.getFileSystem().supportedFileAttributeViews().contains("posix")
                ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(permissions)}
                : new FileAttribute<?>[0];
    }

    /** Notes that a file was used. Nothing is lost where that cannot be noted: the file is only evicted earlier. */
    public static void touch(Path path, FileTime used) {
        try {
            Files.getFileAttributeView(path, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS)
                    .setTimes(used, null, null);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "{0} cannot be touched: {1}", path, e);
        }
    }

    /** The sentence for something that could not be kept. */
    public LecternException cannotKeep(IOException e) {
        String message = String.valueOf(e.getMessage());
        if (message.contains("No space left") || message.contains("quota")) {
            return new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "The disk of " + root
                            + " is full, so what is read now is not kept: free some space, keep less (\"lectern cache"
                            + " gc --max-bytes N\"), or set LECTERN_CACHE to a folder on another disk.",
                    e);
        }
        return new LecternException(
                LecternException.Kind.BAD_OPTION,
                root + " cannot be written (" + e + "), so what is read now is not kept: make it writable, set"
                        + " LECTERN_CACHE to a folder that is, or choose this with --no-cache.",
                e);
    }
}
