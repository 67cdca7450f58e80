package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Prompts about documents through the public API. */
class ModelChatTest {
    private static final Path TINY = Path.of("src/test/resources/tiny/llama3");

    /** The tiny model with a template of the kind that Llama 3 has. */
    private static Model model(Path folder, String template) throws IOException {
        try (var files = Files.list(TINY)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName().toString()));
            }
        }
        Files.writeString(folder.resolve("chat_template.jinja"), template);
        return Model.open(folder, ModelOptions.DEFAULT.withThreads(1));
    }

    private static final String TEMPLATE =
            "{{ bos_token }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}<answer>";

    @Test
    void theDocumentsComeFirstAndTheQuestionLast(@TempDir Path folder) throws IOException {
        try (Model model = model(folder, TEMPLATE)) {
            int bos = model.tokenizer().bos().getAsInt();
            int[] prompt = model.chat("Be brief.", List.of("One.", " Two."), " Three?");
            assertThat(prompt).startsWith(bos);
            assertThat(model.detokenize(prompt)).isEqualTo("<system>Be brief.<user>One. Two. Three?<answer>");
            assertThat(model.detokenize(model.chat("", List.of(), "Why?"))).isEqualTo("<user>Why?<answer>");
        }
    }

    @Test
    void anotherQuestionBeginsWithTheSameTokensUpToTheEndOfTheDocument(@TempDir Path folder) throws IOException {
        try (Model model = model(folder, TEMPLATE)) {
            List<String> documents = List.of("The harbour open", "ed in 1874");
            int[] one = model.chat("", documents, "5?"), other = model.chat("", documents, "ing");
            int same = 0;
            while (same < Math.min(one.length, other.length) && one[same] == other[same]) {
                same++;
            }
            int[] read = Arrays.copyOf(one, same);
            assertThat(model.detokenize(read)).isEqualTo("<user>The harbour opened in 1874");
        }
    }

    @Test
    void specialTokensInADocumentAreText(@TempDir Path folder) throws IOException {
        try (Model model = model(folder, TEMPLATE)) {
            String special = model.tokenizer().specialTokens().getFirst();
            int control = model.tokenizer().token(special).getAsInt();
            long fromTemplate = count(model.chat("", List.of(), "?"), control);
            assertThat(count(model.chat("", List.of(special), special), control))
                    .isEqualTo(fromTemplate);
            assertThat(model.detokenize(model.chat("", List.of(special), "?")))
                    .isEqualTo("<user>" + special + "?<answer>");
        }
    }

    private static long count(int[] tokens, int token) {
        return Arrays.stream(tokens).filter(each -> each == token).count();
    }

    @Test
    void aTemplateThatLeavesTheQuestionOutIsRefused(@TempDir Path folder) throws IOException {
        try (Model model = model(folder, "{% for m in messages %}<{{ m.role }}>{{ m.content[:4] }}{% endfor %}")) {
            assertThatThrownBy(() -> model.chat("", List.of("One.", " Two."), " Three?"))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("no token of what the user says");
        }
    }

    @Test
    void aModelWithoutATemplateSaysSo() {
        try (Model model = Model.open(TINY.resolveSibling("gpt2"), ModelOptions.DEFAULT.withThreads(1))) {
            assertThat(model.chatTemplate()).isEmpty();
            assertThatThrownBy(() -> model.chat("", List.of("x"), "y"))
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                    .hasMessageContaining("no chat template");
        }
    }
}
