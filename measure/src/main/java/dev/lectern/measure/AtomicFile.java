package dev.lectern.measure;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Locale;

/** Writes files that are there as a whole or not at all. */
public final class AtomicFile {
    private AtomicFile() {}

    /** Writes a file, making its folder where it is missing. */
    public static void write(Path file, byte[] bytes) {
        Path target = file.toAbsolutePath();
        Path part = target.resolveSibling(target.getFileName() + ".part");
        try {
            Path folder = target.getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            Files.write(part, bytes);
            publish(part, target);
        } catch (IOException e) {
            throw cannotWrite(file, e);
        }
    }

    /** A name as a part of a file's name: small letters, digits and dots, everything else a dash. */
    public static String plain(String name) {
        return name.toLowerCase(Locale.ROOT).replaceAll("[^a-z0-9.]+", "-");
    }

    /** Gives a finished file its name. */
    static void publish(Path part, Path target) throws IOException {
        try {
            Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
        } catch (AtomicMoveNotSupportedException e) {
            Files.move(part, target, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    static LecternException cannotWrite(Path file, IOException e) {
        String reason = String.valueOf(e.getMessage());
        boolean full = reason.toLowerCase(Locale.ROOT).contains("no space");
        return new LecternException(
                full ? LecternException.Kind.NO_SPACE : LecternException.Kind.BAD_OPTION,
                file + " cannot be written (" + reason + "): "
                        + (full ? "free some space on its disk." : "name a folder that can be written to."),
                e);
    }
}
