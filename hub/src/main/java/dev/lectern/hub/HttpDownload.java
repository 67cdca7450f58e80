package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Brings one file whose size and hash are known beforehand. What has arrived stays in a file {@code NAME.part} and is
 * continued with a range request, in this pull or a later one; the hash decides in the end, so a continuation of other
 * bytes is found out and begun again.
 */
final class HttpDownload {
    private static final Pattern RANGE = Pattern.compile("bytes (\\d{1,18})-(\\d{1,18})/(\\d{1,18}|\\*)");

    private final Http http;
    private final CacheFolder cache;
    private final Caller caller;

    HttpDownload(Http http, CacheFolder cache, Caller caller) {
        this.http = http;
        this.cache = cache;
        this.caller = caller;
    }

    /**
     * What to bring.
     *
     * @param file its name in the model's folder
     */
    record RemoteFile(URI uri, String file, long bytes, Digest digest) {
        /** The name under which it waits for its publication: it has this name only when its hash is right. */
        String waitingName() {
            // Two files of one model can have the same bytes.
            return digest.hex() + "-" + Integer.toHexString(file.hashCode());
        }
    }

    /** The bytes of the file that have arrived already, in this pull or an earlier one. */
    static long arrived(RemoteFile file, Path folder) throws IOException {
        Path whole = folder.resolve(file.waitingName());
        Path part = part(whole);
        return Files.exists(whole) ? Files.size(whole) : Files.exists(part) ? Files.size(part) : 0;
    }

    private static Path part(Path whole) {
        return whole.resolveSibling(whole.getFileName() + ".part");
    }

    /**
     * Brings the file into the folder.
     *
     * @param before the bytes of other files that are done, for the progress
     * @param total the bytes of all files
     * @return where it is; its hash is right
     */
    Path fetch(RemoteFile file, Path folder, long before, long total) throws SourceFailedException, IOException {
        Path whole = folder.resolve(file.waitingName());
        if (Files.exists(whole) && Files.size(whole) == file.bytes()) {
            return whole;
        }
        Path part = part(whole);
        Path tag = whole.resolveSibling(whole.getFileName() + ".etag");
        AtomicLong position = new AtomicLong(Files.exists(part) ? Files.size(part) : 0);
        http.persistently(
                () -> {
                    attempt(file, part, tag, position, before, total);
                    return part;
                },
                position::get,
                caller);
        String hash = file.digest().of(part, caller);
        Files.deleteIfExists(tag);
        if (!hash.equals(file.digest().hex())) {
            Files.deleteIfExists(part);
            throw new SourceFailedException(
                    LecternException.Kind.CHECKSUM,
                    "the bytes have the " + file.digest().algorithm() + " " + hash + " and should have "
                            + file.digest().hex() + "; they were thrown away");
        }
        CacheFolder.move(part, whole);
        return whole;
    }

    private void attempt(RemoteFile file, Path part, Path tag, AtomicLong position, long before, long total)
            throws IOException, SourceFailedException {
        long have = Files.exists(part) ? Files.size(part) : 0;
        if (have > file.bytes()) {
            have = 0;
        }
        if (have == file.bytes() && Files.exists(part)) {
            return;
        }
        position.set(have);
        try (Http.Answer answer = http.get(file.uri(), range(have, tag), caller)) {
            if (answer.status() == 416) {
                Files.deleteIfExists(part);
                throw new IOException("the server has no more of the file than was here already");
            }
            long from = checkedStart(answer, file, have);
            position.set(from);
            Optional<String> strong = answer.header("ETag").filter(value -> value.startsWith("\""));
            if (strong.isPresent()) {
                Files.writeString(tag, strong.get());
            } else {
                Files.deleteIfExists(tag);
            }
            Interruptible.call(
                    () -> {
                        copy(answer.response().body(), part, from, file.bytes(), position);
                        return part;
                    },
                    position::get,
                    http.patience().stall(),
                    "no byte came for " + http.patience().stall().toSeconds() + " s",
                    at -> caller.progress().report(before + at, total),
                    caller);
        }
    }

    private static Map<String, String> range(long have, Path tag) throws IOException {
        Map<String, String> headers = new HashMap<>();
        if (have > 0) {
            headers.put("Range", "bytes=" + have + "-");
            if (Files.exists(tag)) {
                headers.put("If-Range", Files.readString(tag));
            }
        }
        return headers;
    }

    /** Where the body begins in the file; refuses a body that cannot be this file before a byte of it is read. */
    private static long checkedStart(Http.Answer answer, RemoteFile file, long have) throws SourceFailedException {
        Optional<String> hash = answer.announcedHash().filter(Digest.Sha256::fits);
        if (hash.isPresent()
                && file.digest() instanceof Digest.Sha256 wanted
                && !wanted.hex().equals(hash.get())) {
            throw new SourceFailedException(
                    LecternException.Kind.CHECKSUM,
                    "it now has another file of this name, with the SHA-256 " + hash.get() + " instead of "
                            + wanted.hex());
        }
        long from = 0;
        long size =
                answer.response().headers().firstValueAsLong("Content-Length").orElse(file.bytes());
        if (answer.status() == 206) {
            Matcher range = RANGE.matcher(answer.header("Content-Range").orElse(""));
            if (!range.matches() || Long.parseLong(range.group(1)) != have) {
                throw new SourceFailedException(
                        LecternException.Kind.NO_NETWORK,
                        "the server sends another range of the file than was asked for");
            }
            from = have;
            size = range.group(3).equals("*") ? file.bytes() : Long.parseLong(range.group(3));
        } else if (answer.status() != 200) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "the server answers with the status " + answer.status());
        }
        if (size != file.bytes()) {
            throw otherSize(file, Numbers.grouped(size));
        }
        return from;
    }

    private static SourceFailedException otherSize(RemoteFile file, String size) {
        return new SourceFailedException(
                LecternException.Kind.CHECKSUM,
                "it offers " + size + " bytes, and the file should have " + Numbers.grouped(file.bytes()));
    }

    private void copy(InputStream in, Path part, long from, long bytes, AtomicLong position)
            throws IOException, SourceFailedException {
        byte[] buffer = new byte[1 << 16];
        try (FileOutputStream out = open(part, from)) {
            long at = from;
            for (int read = read(in, buffer, at, bytes); read >= 0; read = read(in, buffer, at, bytes)) {
                if (read > bytes - at) {
                    throw new SourceFailedException(
                            LecternException.Kind.CHECKSUM,
                            "it sends more than the " + Numbers.grouped(bytes) + " bytes that the file should have");
                }
                write(out, buffer, read, part);
                at += read;
                position.set(at);
            }
            out.getFD().sync();
            if (at < bytes) {
                throw cut(at, bytes, null);
            }
        }
    }

    private static int read(InputStream in, byte[] buffer, long at, long bytes) throws IOException {
        try {
            return in.read(buffer);
        } catch (IOException e) {
            throw cut(at, bytes, e);
        }
    }

    private static IOException cut(long at, long bytes, @Nullable IOException cause) {
        return new IOException(
                "the connection was cut after " + Numbers.grouped(at) + " of " + Numbers.grouped(bytes) + " bytes",
                cause);
    }

    private FileOutputStream open(Path part, long from) {
        try {
            return new FileOutputStream(part.toFile(), from > 0);
        } catch (IOException e) {
            throw cache.cannotWrite(part, e);
        }
    }

    private void write(FileOutputStream out, byte[] buffer, int count, Path part) {
        try {
            out.write(buffer, 0, count);
        } catch (IOException e) {
            throw cache.cannotWrite(part, e);
        }
    }
}
