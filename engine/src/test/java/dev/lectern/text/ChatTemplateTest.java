package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.weights.Metadata;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class ChatTemplateTest {
    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            x~~{% include 'a' %};line 3;include
            ~{% block b %}{% endblock %};line 2;block
            {% for x in y recursive %}{% endfor %};line 1;recursive
            ~~~{{ f(*xs) }};line 4;unpacked
            {% if a %};line 1;endif
            ~{{ a b }};line 2;"b"
            {{ 'abc };line 1;quote
            ~{# never closed;line 2;comment
            {% nonsense %};line 1;nonsense
            {{ 99999999999999999999 }};line 1;64 bits
            """)
    void whatIsOutsideTheSubsetIsNamedWithItsLine(String source, String line, String construct) {
        assertThatThrownBy(() -> ChatTemplate.parse(source.replace('~', '\n'), "model.gguf"))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageStartingWith("model.gguf: ")
                .hasMessageContaining(line)
                .hasMessageContaining(construct);
    }

    @ParameterizedTest
    @CsvSource(delimiter = ';', textBlock = """
            ~{{ 1 | urlize }};line 2;urlize
            ~{{ 1 is escaped }};line 2;escaped
            ~~{{ 'a'.encode() }};line 3;encode
            {{ cycler(1) }};line 1;cycler
            {{ nobody.name }};line 1;"nobody" is undefined
            {{ messages[0].a.b }};line 1;no attribute 'a'
            {{ strftime_now('%U') }};line 1;%U
            ~{% if true %}~{{ 1 / 0 }}{% endif %};line 3;zero
            {{ 'a'.format(1) }};line 1;format
            """)
    void whatFailsWhileRenderingIsNamedWithItsLine(String source, String line, String construct) {
        ChatTemplate template = ChatTemplate.parse(source.replace('~', '\n'), "model.gguf");
        assertThatThrownBy(() -> template.render(List.of(new ChatMessage("user", "hi")), Map.of(), true))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageStartingWith("model.gguf: ")
                .hasMessageContaining(line)
                .hasMessageContaining(construct);
    }

    @Test
    void formatsPrintNumbersThatAreNotFiniteAsPythonDoesAndRefuseThemAsIntegers() {
        ChatTemplate template =
                ChatTemplate.parse("{{ '%f %.1f %f %d' % (1e999, -1e999, 'nan' | float, 2.9) }}", "model.gguf");
        assertThat(template.render(List.of(), Map.of(), false)).isEqualTo("inf -inf nan 2");
        for (String number : List.of("1e999", "-1e999", "('nan' | float)", "1e30")) {
            ChatTemplate integer = ChatTemplate.parse("{{ '%d' % " + number + " }}", "model.gguf");
            assertThatThrownBy(() -> integer.render(List.of(), Map.of(), false))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("an integer of 64 bits");
        }
    }

    @Test
    void aRefusedConversationIsTheUsersAffair() {
        ChatTemplate template = ChatTemplate.parse(ChatTemplateGoldens.template("own-mistral-v1"), "model.gguf");
        assertThatThrownBy(() -> template.render(
                        List.of(new ChatMessage("system", "be kind"), new ChatMessage("user", "hi")),
                        Map.of("bos_token", "<s>", "eos_token", "</s>"),
                        true))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                .hasMessage("model.gguf: the model's chat template refuses this conversation: "
                        + "Roles must alternate: user, assistant, user, …");
    }

    @Test
    void whatATemplateSaysCannotSteerATerminal() {
        for (String source : List.of(
                "{{ raise_exception('\u001b]0;x\u0007' ~ 'x' * 5000) }}",
                "{{ \u001b }}",
                "{{ 1 | f\u202e }}",
                "{% " + "x".repeat(5000) + " %}")) {
            assertThatThrownBy(() -> ChatTemplate.parse(source, "model.gguf").render(List.of(), Map.of(), false))
                    .isInstanceOf(LecternException.class)
                    .message()
                    .hasSizeLessThan(700)
                    .doesNotContain("\u001b", "\u0007", "\u202e");
        }
    }

    @Test
    void aTemplateTellsWhichVariablesItReads() {
        assertThat(ChatTemplate.parse(ChatTemplateGoldens.template("qwen3"), "q")
                        .mentions("enable_thinking"))
                .isTrue();
        assertThat(ChatTemplate.parse(ChatTemplateGoldens.template("qwen2.5"), "q")
                        .mentions("enable_thinking"))
                .isFalse();
        assertThat(ChatTemplate.parse(ChatTemplateGoldens.template("qwen2.5"), "q")
                        .mentions("tools"))
                .isTrue();
    }

    @Test
    void aRoleCannotImitateASpecialToken() {
        assertThatThrownBy(() -> new ChatMessage("user<|im_end|>", "x"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("user<|im_end|>");
        assertThatThrownBy(() -> new ChatMessage("", "x")).isInstanceOf(LecternException.class);
    }

    @Test
    void variablesAreJsonValues() {
        ChatTemplate template = ChatTemplate.parse("{{ x }}", "t");
        assertThat(template.render(List.of(), Collections.singletonMap("x", null), false))
                .isEqualTo("None");
        assertThat(template.render(List.of(), Map.of("x", List.of(1, 2L, 0.5f, true, Map.of("k", "v"))), false))
                .isEqualTo("[1, 2, 0.5, True, {'k': 'v'}]");
        assertThatThrownBy(() -> template.render(List.of(), Map.of("x", new Object()), false))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("\"x\"");
        Object[] cyclic = new Object[1];
        List<Object> list = Arrays.asList(cyclic);
        cyclic[0] = list;
        assertThatThrownBy(() -> template.render(List.of(), Map.of("x", list), false))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("nested");
    }

    @Test
    void aLongDocumentIsNoReasonToStop() {
        String line = "A line of a long document, with some words in it.\n";
        String document = line.repeat(200_000); // 10 million characters
        ChatTemplate template = ChatTemplate.parse(ChatTemplateGoldens.template("qwen3"), "t");
        String text = template.render(List.of(new ChatMessage("user", document)), Map.of(), true);
        assertThat(text).contains(document).endsWith("<|im_start|>assistant\n");
        ChatTemplate lines = ChatTemplate.parse(
                "{{ messages[0].content.split('\\n') | length }} {{ messages[0].content | trim | replace('line', 'row') | replace('\\n', ' ') | upper | length }}",
                "t");
        assertThat(lines.render(List.of(new ChatMessage("user", document)), Map.of(), true))
                .isEqualTo("200001 9799999");
    }

    @Test
    void aGgufNamesTheTokensThatItsTemplateWrites() {
        Metadata metadata = new Metadata(
                "model.gguf",
                Map.of(
                        "tokenizer.chat_template", "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}",
                        "tokenizer.ggml.tokens", new String[] {"a", "<s>", "</s>"},
                        "tokenizer.ggml.bos_token_id", 1L,
                        "tokenizer.ggml.eos_token_id", 2L,
                        "tokenizer.ggml.padding_token_id", 77L));
        ChatTemplate template = ChatTemplate.fromMetadata(metadata).orElseThrow();
        List<ChatMessage> messages = List.of(new ChatMessage("user", "hi"));
        assertThat(template.render(messages, Map.of(), true)).isEqualTo("<s>hi</s>");
        assertThat(template.render(messages, Map.of("bos_token", "<b>"), true)).isEqualTo("<b>hi</s>");
        assertThat(ChatTemplate.fromMetadata(new Metadata("model.gguf", Map.of())))
                .isEmpty();
    }

    @Test
    void aBadTemplateFailsWhenItIsUsed() {
        ChatTemplate template = ChatTemplate.fromMetadata(
                        new Metadata("model.gguf", Map.of("tokenizer.chat_template", "{% if %}")))
                .orElseThrow();
        assertThatThrownBy(() -> template.render(List.of(), Map.of(), true)).isInstanceOf(BadModelFileException.class);
        assertThatThrownBy(() -> template.mentions("tools")).isInstanceOf(BadModelFileException.class);
    }

    @Test
    void aFolderKeepsItsTemplateInOneOfThreePlaces(@TempDir Path folder) throws IOException {
        assertThat(ChatTemplate.fromFolder(folder)).isEmpty();
        Path config = folder.resolve("tokenizer_config.json");
        Files.writeString(config, """
                {"bos_token": {"content": "<s>"}, "eos_token": "</s>", "unk_token": null, "chat_template": "1{{ bos_token }}{{ eos_token }}"}""");
        assertThat(rendered(folder)).isEqualTo("1<s></s>");
        Files.writeString(config, """
                {"chat_template": [{"name": "tool_use", "template": "2"}, {"name": "default", "template": "3"}]}""");
        assertThat(rendered(folder)).isEqualTo("3");
        Files.writeString(folder.resolve("chat_template.jinja"), "4\n");
        assertThat(rendered(folder)).isEqualTo("4");
        Files.writeString(config, "{");
        assertThatThrownBy(() -> ChatTemplate.fromFolder(folder))
                .isInstanceOf(BadModelFileException.class)
                .hasMessageContaining("tokenizer_config.json");
    }

    private static String rendered(Path folder) {
        return ChatTemplate.fromFolder(folder).orElseThrow().render(List.of(), Map.of(), true);
    }
}
