package dev.lectern.measure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;

/** Small programs that stand for large ones. */
final class Scripts {
    /** Answers as the script of llama.cpp does, with times that are made up: 0.5 s to read, 0.25 s to decode. */
    static final String PEER = """
            #!/bin/sh
            while IFS= read -r line; do
                case $line in
                    *'"do":"open"'*) echo '{"version":"9.9","system":"FAKE = 1 | ","seconds":0.1}' ;;
                    *'"do":"read"'*) echo '{"seconds":0.5,"token":7}' ;;
                    *'"do":"decode"'*) echo '{"seconds":0.25}' ;;
                    *'"do":"truncate"'*) echo '{}' ;;
                    *'"do":"peak"'*) echo '{"bytes":1000000}' ;;
                esac
            done
            """;

    private Scripts() {}

    static Path write(Path file, String text) throws IOException {
        Files.createDirectories(file.getParent());
        Files.writeString(file, text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
