package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

class SettingsTest {
    @TempDir
    Path home;

    private Path file;
    private Run run;

    @BeforeEach
    void file() throws IOException {
        file = home.resolve(".config/lectern/config.properties");
        Files.createDirectories(file.getParent());
        run = new Run(home);
    }

    private AskCommand ask(String... arguments) {
        Surroundings surroundings = run.surroundings();
        CommandLine line = new Lectern(surroundings).commandLine();
        line.setDefaultValueProvider(Settings.read(surroundings, () -> line));
        String[] all = new String[arguments.length + 1];
        all[0] = "ask";
        System.arraycopy(arguments, 0, all, 1, arguments.length);
        return (AskCommand) line.parseArgs(all).subcommand().commandSpec().userObject();
    }

    @Test
    void theCommandLineWinsOverVariablesAndTheseOverTheFile() throws IOException {
        Files.writeString(file, "threads = 3\nmax-tokens = 30\ntemperature = 0.3\n# a remark\n");
        run.variable("LECTERN_MAX_TOKENS", "20").variable("LECTERN_TEMPERATURE", "0.2");

        AskCommand ask = ask("--temperature", "0.1", "a.txt", "why?");

        assertThat(ask.computeChoice.threads).isEqualTo(3);
        assertThat(ask.answerChoice.maxTokens).isEqualTo(20);
        assertThat(ask.answerChoice.temperature).isEqualTo(0.1);
        assertThat(ask.arguments).containsExactly("a.txt", "why?");
    }

    @Test
    void withoutSettingsNothingIsSet() {
        AskCommand ask = ask("a.txt", "why?");

        assertThat(ask.computeChoice.threads).isNull();
        assertThat(ask.answerChoice.stop).isEmpty();
        assertThat(ask.output.json).isFalse();
    }

    @Test
    void switchesStopTextsAndTheModelCanBeSet() throws IOException {
        Files.writeString(file, "json = true\nstop = ###\nn = 2\n");
        run.variable("LECTERN_MODEL", "smollm2-135m").variable("LECTERN_THINKING", "off");

        AskCommand ask = ask("a.txt", "why?");

        assertThat(ask.output.json).isTrue();
        assertThat(ask.answerChoice.stop).containsExactly("###");
        assertThat(ask.n).isEqualTo(2);
        assertThat(ask.modelChoice.model).isEqualTo("smollm2-135m");
        assertThat(ask.thinking).isEqualTo(Switch.off);
    }

    @Test
    void aWordThatIsNoOptionIsRefusedWithThoseThatAre() throws IOException {
        Files.writeString(file, "thread = 3\n");

        assertThatThrownBy(() -> ask("a.txt", "why?"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("config.properties")
                .hasMessageContaining("\"thread\"")
                .hasMessageContaining("threads");
    }

    @Test
    void whatMeansOneCallOnlyCannotBeSet() throws IOException {
        Files.writeString(file, "remove = smollm2-135m\n");

        assertThatThrownBy(() -> ask("a.txt", "why?")).hasMessageContaining("\"remove\"");
    }

    @Test
    void aBadValueTellsWhereItWasTakenFrom() throws IOException {
        Files.writeString(file, "max-tokens = many\n");
        run.variable("LECTERN_THREADS", "four").with("ask", "a.txt", "why?", "--max-tokens", "3");
        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("--threads", "'four'", "LECTERN_THREADS");

        Run other = new Run(home).with("ask", "a.txt", "why?", "--json");
        assertThat(other.exitCode()).isEqualTo(2);
        assertThat(other.out()).contains("bad-option", "--max-tokens", "'many'", "config.properties");
    }

    @Test
    void aFileThatIsNamedHasToBeThere() {
        run.variable("LECTERN_CONFIG", home.resolve("nowhere").toString()).with("models");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).contains("nowhere", "LECTERN_CONFIG");
    }

    @Test
    void aFileThatIsNotTextIsRefused() throws IOException {
        Files.write(file, new byte[] {(byte) 0xFF, (byte) 0xFE, 0});

        run.with("models");

        assertThat(run.exitCode()).isEqualTo(2);
        assertThat(run.err()).startsWith("lectern: ").contains("config.properties", "UTF-8");
    }
}
