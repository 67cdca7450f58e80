package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

@DisabledOnOs(OS.WINDOWS)
class JsonChildTest {
    private static JsonChild shell(String script) {
        return new JsonChild("the shell", List.of("sh", "-c", script), new Cancellation());
    }

    @Test
    void aLecternInItFindsNoSettings() {
        String script =
                "echo \"{\\\"file\\\":\\\"$LECTERN_CONFIG\\\",\\\"set\\\":\\\"$(env | grep -c '^LECTERN_KV=')\\\"}\"; read x";
        Path settings;
        try (JsonChild child = shell(script)) {
            JsonFields said = child.next();
            settings = Path.of(said.text("file"));
            assertThat(settings).isEmptyFile();
            assertThat(said.text("set")).isEqualTo("0");
        }
        assertThat(Files.exists(settings)).isFalse();
    }

    @Test
    void whatItSaysIsAnObjectOrASentence() {
        try (JsonChild child = shell("read line; echo \"$line\"; echo none; echo broken >&2; exit 3")) {
            child.tell("{\"n\": 7}");
            assertThat(child.answer().whole("n")).isEqualTo(7);
            assertThatThrownBy(child::next)
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("no JSON object: none");
            assertThatThrownBy(child::next)
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("the shell ended with exit code 3, saying: broken");
        }
        try (JsonChild child = shell("echo '{\"error\":{\"kind\":\"x\",\"message\":\"out of ink\"}}'")) {
            assertThatThrownBy(child::answer).hasMessageContaining("the shell failed: out of ink");
        }
    }
}
