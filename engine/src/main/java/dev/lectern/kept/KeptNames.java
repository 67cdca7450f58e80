package dev.lectern.kept;

import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** The names of readings: a JSON object for each, whose members {@code tail} and {@code page} name the files that it cannot do without. */
public final class KeptNames {
    private static final Pattern NAME = Pattern.compile("[a-z0-9_-][a-z0-9._-]{0,99}");
    static final String SUFFIX = ".json";

    /** The member with the SHA-256 of all others, as {@link Json#write} writes them. */
    private static final String CHECKSUM = "sha256";

    /** Ten million tokens, and all that is said of them. */
    private static final long MOST_BYTES = 100L << 20;

    private final KeptFolder folder;

    public KeptNames(KeptFolder folder) {
        this.folder = folder;
    }

    /** Whether something can be called so: {@code a-z}, {@code 0-9}, {@code . _ -}, up to 100, no dot in front. */
    public static boolean isName(String name) {
        return NAME.matcher(name).matches();
    }

    private Path file(String name) {
        if (!isName(name)) {
            throw new IllegalArgumentException("\"" + name + "\" is not a name");
        }
        return folder.folder(KeptFolder.DOCUMENTS).resolve(name + SUFFIX);
    }

    /** All names, in their order. */
    public List<String> all() throws IOException {
        TreeSet<String> names = new TreeSet<>();
        for (Path file : folder.files(KeptFolder.DOCUMENTS, "*" + SUFFIX)) {
            String name = String.valueOf(file.getFileName());
            name = name.substring(0, name.length() - SUFFIX.length());
            if (isName(name) && KeptFolder.isThere(file)) {
                names.add(name);
            }
        }
        return List.copyOf(names);
    }

    /** A record that is not what was written; the message is a sentence with its file. */
    public static final class DamagedException extends IOException {
        private static final long serialVersionUID = 1L;

        DamagedException(String sentence) {
            super(sentence);
        }
    }

    /**
     * What is said of a name.
     *
     * @return null if there is no such name
     * @throws DamagedException if it is not what was written
     * @throws IOException if it cannot be read
     */
    public @Nullable Map<?, ?> read(String name) throws IOException {
        Path file = file(name);
        if (!folder.isOurs(KeptFolder.DOCUMENTS)) {
            return null;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS)) {
            if (channel.size() > MOST_BYTES) {
                throw new DamagedException(file + " is longer than such a record can be");
            }
            byte[] text = Channels.newInputStream(channel).readAllBytes();
            if (Json.parse(text) instanceof Map<?, ?> object) {
                Map<String, @Nullable Object> rest = new LinkedHashMap<>();
                object.forEach((key, value) -> rest.put(String.valueOf(key), value));
                Object checksum = rest.remove(CHECKSUM);
                if (Hash.of(Json.write(rest)).hex().equals(checksum)) {
                    return rest;
                }
                throw new DamagedException(file + " does not have its checksum");
            }
            throw new DamagedException(file + " is not a JSON object");
        } catch (NoSuchFileException e) {
            return null;
        } catch (MalformedJsonException e) {
            throw new DamagedException(file + " is damaged: " + e.getMessage());
        }
    }

    /** Writes what is said of a name, in place of what was said before. */
    public void write(String name, Map<String, ? extends @Nullable Object> object) throws IOException {
        file(name);
        Map<String, @Nullable Object> whole = new LinkedHashMap<>(object);
        whole.put(CHECKSUM, Hash.of(Json.write(object)).hex());
        folder.publishDocument(name, Json.write(whole));
    }

    /** Deletes a name, not what was read; the bytes that are free again. */
    public long remove(String name) throws IOException {
        Path file = file(name);
        if (!folder.isOurs(KeptFolder.DOCUMENTS)) {
            return 0;
        }
        try {
            long bytes = Files.size(file);
            Files.deleteIfExists(file);
            return bytes;
        } catch (NoSuchFileException e) {
            return 0;
        }
    }

    /** Whether nothing is left of what has that name. */
    boolean isOrphan(String name) {
        try {
            Map<?, ?> object = read(name);
            return object != null
                    && !isThere(KeptFolder.TAILS, object.get("tail"))
                    && !isThere(KeptFolder.PAGES, object.get("page"));
        } catch (IOException e) {
            return false; // whoever asks for it is told
        }
    }

    private boolean isThere(String in, @Nullable Object file) {
        return file instanceof String name
                && name.matches("[0-9a-f-]+\\.(page|tail)")
                && KeptFolder.isThere(folder.folder(in).resolve(name));
    }
}
