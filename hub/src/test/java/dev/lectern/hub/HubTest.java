package dev.lectern.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class HubTest {
    @TempDir
    Path folder;

    private Hub hub;

    @BeforeEach
    void open() {
        hub = new Hub(folder.resolve("cache"), Played.environment(Map.of()));
    }

    private static LecternException failure(Kind kind, Runnable work) {
        LecternException e = catchThrowableOfType(LecternException.class, work::run);
        assertThat(e).isNotNull();
        assertThat(e.kind()).as(e.getMessage()).isEqualTo(kind);
        return e;
    }

    @Test
    void theCatalogueIsWellFormed() {
        Catalogue catalogue = hub.catalogue();
        assertThat(catalogue.defaultModel().name()).isEqualTo("qwen2.5-coder-0.5b");
        assertThat(catalogue.entries()).hasSize(2).allSatisfy(entry -> {
            assertThat(entry.name()).matches("[a-z0-9][a-z0-9._-]*").doesNotStartWith("hf--");
            assertThat(Digest.Sha256.fits(entry.sha256())).isTrue();
            assertThat(FileNames.isSafe(entry.file())).isTrue();
            assertThat(entry.sources()).isNotEmpty();
            for (Source source : entry.sources()) {
                if (source instanceof Source.Packages(var parts)) {
                    assertThat(parts.stream().mapToLong(Source.Part::bytes).sum())
                            .isEqualTo(entry.bytes());
                    assertThat(parts)
                            .allSatisfy(part -> assertThat(part.requirement()).matches("[a-z0-9-]+==[0-9.]+"));
                }
            }
        });
    }

    @Test
    void modelsThatHoldATextAreNamedTheSmallestFirst() {
        assertThat(hub.catalogue().holding(8192))
                .extracting(CatalogueEntry::name)
                .containsExactly("smollm2-135m", "qwen2.5-coder-0.5b");
        assertThat(hub.catalogue().holding(8193))
                .extracting(CatalogueEntry::name)
                .containsExactly("qwen2.5-coder-0.5b");
        assertThat(hub.catalogue().holding(1_000_000)).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "smolm2-135m, smollm2-135m",
        "smollm2, smollm2-135m",
        "smolm, smollm2-135m",
        "qwn2.5, qwen2.5-coder-0.5b",
        "SmolLM2-135M, smollm2-135m",
        "qwen, qwen2.5-coder-0.5b",
        "qwen2.5-coder-0.5, qwen2.5-coder-0.5b",
        "qwen2-5-coder-05b, qwen2.5-coder-0.5b"
    })
    void aMisspeltNameGetsASuggestion(String typed, String meant) {
        assertThat(failure(Kind.NOT_FOUND, () -> hub.resolve(typed)))
                .hasMessageContaining("did you mean " + meant + "?");
    }

    @Test
    void aNameThatIsLikeNoneGetsTheList() {
        assertThat(failure(Kind.NOT_FOUND, () -> hub.resolve("llama-70b")))
                .hasMessageNotContaining("did you mean")
                .hasMessageContaining("smollm2-135m")
                .hasMessageContaining("hf:OWNER/REPO");
        failure(Kind.NOT_FOUND, () -> hub.resolve("x".repeat(100_000)));
    }

    @Test
    void aPathIsItself() throws IOException {
        Path file = Files.write(folder.resolve("my model.gguf"), new byte[3]);
        assertThat(hub.resolve(file.toString())).contains(file);
        assertThat(hub.record(file.toString())).isEmpty();
        assertThat(hub.resolve(folder.toString())).contains(folder);
        assertThat(failure(
                        Kind.NOT_FOUND,
                        () -> hub.resolve(folder.resolve("none.gguf").toString())))
                .hasMessageContaining("There is no file or folder");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "hf:",
                "hf:a",
                "hf:a/b/c",
                "hf:../b",
                "hf:a/..",
                "hf:a/b:",
                "hf:a/b:../c.gguf",
                "hf:a/b:/c.gguf",
                "hf:a/b:c.txt",
                "hf:a b/c",
                "a\0b"
            })
    void aNameThatCannotBeOneIsRefused(String spec) {
        failure(Kind.BAD_OPTION, () -> hub.resolve(spec));
    }

    @Test
    void whatWasNotPulledIsEmptyAndCannotBeRemoved() {
        assertThat(hub.resolve("smollm2-135m")).isEmpty();
        assertThat(hub.resolve("hf:me/it")).isEmpty();
        assertThat(hub.record("smollm2-135m")).isEmpty();
        assertThat(hub.installed()).isEmpty();
        assertThat(failure(Kind.NOT_FOUND, () -> hub.remove("smollm2-135m"))).hasMessageContaining("was not pulled");
        failure(Kind.NOT_FOUND, () -> hub.remove(folder.toString()));
        assertThat(folder).exists();
    }

    @Test
    void aDamagedRecordIsNoModelAndBringsNothingDown() throws IOException {
        Path model = Files.createDirectories(folder.resolve("cache/models/smollm2-135m"));
        String good = """
                {"name": "smollm2-135m", "file": "a.gguf", "bytes": 3, "sha256": "x", "source": "s",
                 "date": "2026-11-24T00:00:00Z", "files": [{"file": "a.gguf", "bytes": 3, "sha256": "x"}]}""";
        Files.write(model.resolve("a.gguf"), new byte[3]);
        Files.writeString(model.resolve("pull.json"), good);
        assertThat(hub.installed()).hasSize(1);
        assertThat(hub.resolve("smollm2-135m"))
                .as("other bytes than the catalogue's")
                .isEmpty();

        Files.writeString(model.resolve("pull.json"), good.replace("a.gguf", "../a.gguf"));
        assertThat(hub.installed()).isEmpty();
        Files.writeString(model.resolve("pull.json"), good.replace("3", "4"));
        assertThat(hub.installed()).isEmpty();

        byte[] bytes = good.getBytes(StandardCharsets.UTF_8);
        long seed = 11;
        Random random = new Random(seed);
        for (int i = 0; i < 20_000; i++) {
            byte[] damaged = bytes.clone();
            for (int j = random.nextInt(4); j >= 0; j--) {
                damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
            }
            assertThat(PullRecord.fromJson(damaged))
                    .as("seed %d, round %d", seed, i)
                    .isNotNull();
        }
    }

    @Test
    void aRecordIsReadAsItWasWritten() {
        PullRecord record = new PullRecord(
                "näme \"x\"", "a.gguf", 5, "ab", "s", Instant.EPOCH, List.of(new PullRecord.Piece("a.gguf", 5, "ab")));
        assertThat(PullRecord.fromJson(record.toJson())).contains(record);
    }

    @Test
    void theCacheFolderFollowsTheCustomsOfTheSystem() {
        Path home = folder.resolve("home");
        Environment linux = new Environment(Map.of(), home, "Linux", any -> 0, Patience.DEFAULT);
        assertThat(linux.cacheFolder()).isEqualTo(home.resolve(".cache/lectern"));
        assertThat(linux.with("XDG_CACHE_HOME", folder.toString()).cacheFolder())
                .isEqualTo(folder.resolve("lectern"));
        assertThat(linux.with("XDG_CACHE_HOME", "relative").cacheFolder()).isEqualTo(home.resolve(".cache/lectern"));
        assertThat(linux.with("LECTERN_CACHE", folder.toString()).cacheFolder()).isEqualTo(folder);
        Environment mac = new Environment(Map.of(), home, "Mac OS X", any -> 0, Patience.DEFAULT);
        assertThat(mac.cacheFolder()).isEqualTo(home.resolve("Library/Caches/lectern"));
        Environment windows = new Environment(
                Map.of("LOCALAPPDATA", folder.toString()), home, "Windows 11", any -> 0, Patience.DEFAULT);
        assertThat(windows.cacheFolder()).isEqualTo(folder.resolve("lectern"));
    }

    @Test
    void aFolderThatCannotBeMadeIsASentence() throws IOException {
        Path file = Files.write(folder.resolve("file"), new byte[1]);
        Hub blocked = new Hub(file.resolve("cache"), Played.environment(Map.of("HF_ENDPOINT", "http://127.0.0.1:1")));
        assertThat(blocked.installed()).isEmpty();
        assertThat(failure(
                        Kind.BAD_OPTION,
                        () -> blocked.pull("smollm2-135m", Progress.NONE, note -> {}, new Cancellation())))
                .hasMessageContaining("LECTERN_CACHE");
    }
}
