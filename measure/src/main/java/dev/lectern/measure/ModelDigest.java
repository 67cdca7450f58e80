package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** What tells one model from every other: the SHA-256 of its file, or of the files of its folder one after the other. */
final class ModelDigest {
    private static final int BUFFER = 1 << 20;

    private ModelDigest() {}

    static String of(BenchModel model, Cancellation cancellation) {
        return model.sha256().orElseGet(() -> of(model.path(), cancellation));
    }

    private static String of(Path path, Cancellation cancellation) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            byte[] buffer = new byte[BUFFER];
            for (Path file : files(path)) {
                try (InputStream in = Files.newInputStream(file)) {
                    for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                        cancellation.check();
                        digest.update(buffer, 0, read);
                    }
                }
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.NOT_FOUND, path + " cannot be read (" + e.getMessage() + ").", e);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e); // every Java has it
        }
    }

    private static List<Path> files(Path path) throws IOException {
        if (!Files.isDirectory(path)) {
            return List.of(path);
        }
        try (Stream<Path> files = Files.list(path)) {
            return files.filter(Files::isRegularFile).sorted().toList();
        }
    }
}
