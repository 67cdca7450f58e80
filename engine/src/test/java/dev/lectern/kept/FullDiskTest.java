package dev.lectern.kept;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk that becomes full in the middle of a file. */
class FullDiskTest {
    private static final FileTime NOW = FileTime.fromMillis(1_700_000_000_000L);

    @TempDir
    Path root;

    @Test
    void whatDoesNotFitLeavesNothingAndWhatWasKeptStays() throws IOException {
        AtomicLong room = new AtomicLong(5000);
        KeptFolder folder = new KeptFolder(root.resolve("kv"), (channel, bytes) -> {
            if (room.addAndGet(-bytes.remaining()) < 0) {
                ByteBuffer half = bytes.slice(0, bytes.remaining() / 2);
                KeptFolder.Disk.SYSTEM.write(channel, half);
                throw new IOException("No space left on device");
            }
            KeptFolder.Disk.SYSTEM.write(channel, bytes);
        });
        Hash fingerprint = Hash.of(new int[] {1});
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment payload = arena.allocate(4096, 64);
            int[] tokens = {1, 2, 3};
            assertThat(folder.publishPage(fingerprint, 0, fingerprint, tokens, payload, NOW))
                    .isGreaterThan(4096);
            Hash next = fingerprint.then(tokens, 0, 3);
            assertThatThrownBy(() -> folder.publishPage(fingerprint, 3, next, tokens, payload, NOW))
                    .isInstanceOf(IOException.class);
            LecternException told = folder.cannotKeep(new IOException("No space left on device"));
            assertThat(told.kind()).isEqualTo(LecternException.Kind.NO_SPACE);

            assertThat(folder.open(folder.page(0, next))).hasValueSatisfying(file -> {
                assertThat(file.holds(fingerprint, fingerprint, tokens, 0, 3)).isTrue();
                assertThat(file.holds(fingerprint, fingerprint, new int[] {1, 2, 4}, 0, 3))
                        .isFalse();
                assertThat(Files.exists(folder.page(0, next))).isTrue();
                file.close();
            });
        }
        try (Stream<Path> files = Files.list(root.resolve("kv/pages"))) {
            assertThat(files.toList()).hasSize(1);
        }
    }
}
