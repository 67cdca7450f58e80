package dev.lectern.hub;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.regex.Pattern;

/** What the bytes of a file must hash to. */
sealed interface Digest {
    /** The hash in lower-case hexadecimal digits. */
    String hex();

    /** How the hash is called in a sentence. */
    String algorithm();

    /** Hashes a file, stopping when the caller wants to. */
    String of(Path file, Caller caller) throws IOException;

    /** SHA-256 of the content, the only hash of a model that is kept in a record. */
    record Sha256(String hex) implements Digest {
        private static final Pattern SHAPE = Pattern.compile("[0-9a-f]{64}");

        static boolean fits(String hex) {
            return SHAPE.matcher(hex).matches();
        }

        @Override
        public String algorithm() {
            return "SHA-256";
        }

        @Override
        public String of(Path file, Caller caller) throws IOException {
            return hash("SHA-256", new byte[0], file, caller);
        }
    }

    /** Git's name of a file, which a repository tells of its small files: SHA-1 of a header with the size, and the content. */
    record GitBlob(String hex) implements Digest {
        private static final Pattern SHAPE = Pattern.compile("[0-9a-f]{40}");

        static boolean fits(String hex) {
            return SHAPE.matcher(hex).matches();
        }

        @Override
        public String algorithm() {
            return "git hash";
        }

        @Override
        public String of(Path file, Caller caller) throws IOException {
            String header = "blob " + Files.size(file) + "\0";
            return hash("SHA-1", header.getBytes(StandardCharsets.US_ASCII), file, caller);
        }
    }

    private static String hash(String algorithm, byte[] header, Path file, Caller caller) throws IOException {
        try (InputStream in = Files.newInputStream(file)) {
            MessageDigest digest = MessageDigest.getInstance(algorithm);
            digest.update(header);
            byte[] buffer = new byte[1 << 20];
            for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
                caller.cancellation().check();
                digest.update(buffer, 0, read);
            }
            return HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has " + algorithm + ".", e);
        }
    }
}
