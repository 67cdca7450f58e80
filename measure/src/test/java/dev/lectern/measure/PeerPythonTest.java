package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** With a script in the place of Python, which makes environments of itself. */
class PeerPythonTest {
    private static final String PYTHON = """
            #!/bin/sh
            case "$*" in
                '-m venv '*) VENV ;;
                *'pip install'*) PIP ;;
                *) LOAD ;;
            esac
            """;
    private static final String VENV = "mkdir -p \"$3/bin\" && cp \"$0\" \"$3/bin/python\"";
    private static final String PIP = "echo \"$CMAKE_ARGS [3/8]\"; sleep 0.5; echo '[8/8] linked'";

    @TempDir
    Path folder;

    private Map<String, String> variables(String venv, String pip, String load) throws IOException {
        Path bin = folder.resolve("bin");
        Scripts.write(
                bin.resolve("python3"),
                PYTHON.replace("VENV", venv).replace("PIP", pip).replace("LOAD", load));
        Scripts.write(bin.resolve("cc"), "#!/bin/sh\n");
        Scripts.write(bin.resolve("c++"), "#!/bin/sh\n");
        return Map.of("PATH", bin + ":/usr/bin:/bin");
    }

    private Path prepare(Map<String, String> variables, List<String> notes, Progress progress) {
        return PeerPython.prepare(folder.resolve("cache"), variables, notes::add, progress, new Cancellation());
    }

    private Path prepare(Map<String, String> variables) {
        return prepare(variables, new ArrayList<>(), Progress.NONE);
    }

    @Test
    void anEnvironmentIsMadeOnceAndThenUsed() throws IOException {
        List<String> notes = new ArrayList<>();
        List<Long> steps = new ArrayList<>();
        Path left = Files.createDirectories(folder.resolve("cache/peers/llama-cpp-python-0.1.part-999999999"));
        Path python = prepare(variables(VENV, PIP, "true"), notes, (done, total) -> steps.add(done));
        assertThat(python)
                .isExecutable()
                .isEqualTo(folder.resolve("cache/peers/llama-cpp-python-" + PeerPython.VERSION + "/bin/python"));
        assertThat(notes).singleElement().asString().contains("ten minutes");
        assertThat(steps).contains(3L);
        assertThat(left).doesNotExist();
        assertThat(python.getParent().getParent().getParent())
                .isDirectoryNotContaining(path -> path.toString().contains(".part-"));
        assertThat(prepare(Map.of(), notes, Progress.NONE)).isEqualTo(python);
        assertThat(notes).hasSize(1);
    }

    @Test
    void whatIsMissingIsNamedWithWhatHelps() throws IOException {
        assertThatThrownBy(() -> prepare(Map.of("PATH", folder.toString())))
                .hasMessageContaining("no python3")
                .hasMessageContaining("--python");
        Map<String, String> variables = variables(VENV, PIP, "true");
        Files.delete(folder.resolve("bin/c++"));
        assertThatThrownBy(() -> prepare(Map.of("PATH", folder.resolve("bin").toString())))
                .hasMessageContaining("no compiler of C++")
                .hasMessageContaining("build-essential");
        variables = variables("echo 'Error: ensurepip is not available'; exit 1", PIP, "true");
        Map<String, String> noVenv = variables;
        assertThatThrownBy(() -> prepare(noVenv))
                .hasMessageContaining("ensurepip is not available")
                .hasMessageContaining("python3-venv");
    }

    @Test
    void aBuildThatFailsLeavesNothingThatIsTakenForWhole() throws IOException {
        Map<String, String> noNetwork =
                variables(VENV, "echo 'ERROR: Could not find a version of https://me:secret@x/'; exit 1", "true");
        assertThatThrownBy(() -> prepare(noNetwork))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NO_NETWORK))
                .hasMessageContaining("could not fetch")
                .hasMessageNotContaining("secret");
        Map<String, String> noBuild = variables(VENV, "echo 'ERROR: Failed building wheel'; exit 1", "true");
        assertThatThrownBy(() -> prepare(noBuild))
                .hasMessageContaining("could not build")
                .hasMessageContaining("Failed building wheel")
                .hasMessageContaining(".log");
        Map<String, String> noLoad = variables(VENV, PIP, "echo 'ImportError: broken'; exit 1");
        assertThatThrownBy(() -> prepare(noLoad)).hasMessageContaining("does not load (ImportError: broken)");
        assertThat(folder.resolve("cache/peers")).isDirectoryNotContaining(Files::isDirectory);
    }

    @Test
    void aStopEndsTheBuild() throws IOException {
        Map<String, String> slow = variables(VENV, "sleep 60", "true");
        Cancellation cancellation = new Cancellation();
        cancellation.cancel();
        long began = System.nanoTime();
        assertThatThrownBy(() ->
                        PeerPython.prepare(folder.resolve("cache"), slow, note -> {}, Progress.NONE, cancellation))
                .isInstanceOf(LecternException.class);
        assertThat((System.nanoTime() - began) / 1e9).isLessThan(10);
        assertThat(folder.resolve("cache/peers")).isDirectoryNotContaining(Files::isDirectory);
    }
}
