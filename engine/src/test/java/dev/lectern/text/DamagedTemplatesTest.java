package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Whatever is in a template: it ends soon, with a result or with a sentence. */
final class DamagedTemplatesTest {
    private static final int MUTATIONS = 20_000;
    private static final long SEED = 20261124;

    private static final Map<String, Object> VARIABLES = Map.of(
            "bos_token",
            "<s>",
            "eos_token",
            "</s>",
            "enable_thinking",
            false,
            "tools",
            List.of(Map.of("type", "function", "function", Map.of("name", "f", "parameters", Map.of()))));

    private static final List<ChatMessage> CONVERSATION = List.of(
            new ChatMessage("system", "Be brief."),
            new ChatMessage("user", " Hi there \n"),
            new ChatMessage("assistant", "<think>\nhm\n</think>\n\nHello").withReasoning("hm"),
            new ChatMessage("user", "And now? 🙂"));

    @Test
    void damagedTemplatesEndInAResultOrASentence() {
        List<List<String>> originals = new ArrayList<>();
        Pattern token = Pattern.compile(
                "[\\p{L}_0-9]+|\\s+|\\{%-?|-?%\\}|\\{\\{-?|-?\\}\\}|'[^'\\n]*'|\"[^\"\\n]*\"|.", Pattern.DOTALL);
        List<String> pool = new ArrayList<>(List.of(
                "{%",
                "%}",
                "{{",
                "}}",
                "{#",
                "#}",
                "(",
                ")",
                "[",
                "]",
                "|",
                "range(100000)",
                "loop",
                "*",
                "**",
                "not",
                "is",
                "1e308",
                "-1",
                "9223372036854775807",
                "{% macro f() %}",
                "{% endmacro %}",
                "f()",
                "{% for x in range(99999) %}",
                "{% endfor %}",
                ":",
                "namespace()"));
        for (String name : List.of(
                "smollm2",
                "qwen2.5",
                "qwen3",
                "mistral-nemo",
                "own-llama2",
                "own-llama3-tools",
                "own-mistral-v1",
                "own-mistral-v3",
                "own-yi",
                "own-thinking")) {
            List<String> tokens = token.matcher(ChatTemplateGoldens.template(name))
                    .results()
                    .map(match -> match.group())
                    .toList();
            originals.add(tokens);
            pool.addAll(tokens);
        }
        Random random = new Random(SEED);
        int refused = 0;
        for (int i = 0; i < MUTATIONS; i++) {
            String damaged = mutated(originals.get(i % originals.size()), pool, random);
            try {
                ChatTemplate.parse(damaged, "damaged").render(CONVERSATION, VARIABLES, true);
            } catch (LecternException e) {
                assertThat(e.getMessage()).startsWith("damaged: ");
                refused++;
            } catch (RuntimeException | Error e) {
                fail("seed " + SEED + ", mutation " + i + ":\n" + damaged, e);
            }
        }
        assertThat(refused).isBetween(MUTATIONS / 10, MUTATIONS * 99 / 100);
    }

    private static String mutated(List<String> original, List<String> pool, Random random) {
        List<String> tokens = new ArrayList<>(original);
        int changes = 1 + random.nextInt(4);
        for (int c = 0; c < changes; c++) {
            int at = random.nextInt(tokens.size());
            switch (random.nextInt(6)) {
                case 0 -> tokens.remove(at);
                case 1 -> tokens.add(at, tokens.get(random.nextInt(tokens.size())));
                case 2 -> tokens.set(at, pool.get(random.nextInt(pool.size())));
                case 3 -> tokens.add(at, pool.get(random.nextInt(pool.size())));
                case 4 -> {
                    int other = random.nextInt(tokens.size());
                    String swapped = tokens.set(at, tokens.get(other));
                    tokens.set(other, swapped);
                }
                default -> {
                    String token = tokens.get(at);
                    char[] chars = token.toCharArray();
                    chars[random.nextInt(chars.length)] ^= (char) (1 << random.nextInt(8));
                    tokens.set(at, new String(chars));
                }
            }
            if (tokens.isEmpty()) {
                return "";
            }
        }
        return String.join("", tokens);
    }

    static List<String> hostile() {
        String deep = "{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}";
        String wide =
                "{% set ns = namespace(x=[1]) %}{% for i in range(50) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}";
        String big =
                "{% set ns = namespace(s='aaaaaaaa') %}{% for i in range(17) %}{% set ns.s = ns.s + ns.s %}{% endfor %}";
        // "Aa" and "BB" have one hash, and so have all texts that are made of as many of them.
        String colliding = "{% set ns = namespace(s=',') %}{% for i in range(16) %}"
                + "{% set ns.s = ns.s.replace(',', 'Aa,') ~ ns.s.replace(',', 'BB,') %}{% endfor %}";
        String collidingKeys = IntStream.range(0, 1 << 14)
                .mapToObj(i -> String.format("%14s", Integer.toBinaryString(i))
                        .replace("1", "BB")
                        .replaceAll("[ 0]", "Aa"))
                .collect(Collectors.joining("': 1, '", "{'", "': 1}"));
        return List.of(
                "{{ " + "(".repeat(100_000) + "1" + ")".repeat(100_000) + " }}",
                "{{ " + "[".repeat(100_000) + "]".repeat(100_000) + " }}",
                "{{ " + "{'a':".repeat(100_000) + "1" + "}".repeat(100_000) + " }}",
                "{{ " + "not ".repeat(100_000) + "1 }}",
                "{{ " + "-".repeat(100_001) + "1 }}",
                "{{ x" + "[x".repeat(100_000) + "]".repeat(100_000) + " }}",
                "{{ f" + "(f".repeat(100_000) + ")".repeat(100_000) + " }}",
                "{{ {}" + ".get('a', {})".repeat(50_000) + " }}",
                "{{ 'a'" + "|upper".repeat(50_000) + " }}",
                "{{ 1" + " if 1 else 1".repeat(50_000) + " }}",
                "{% if 1 %}".repeat(50_000) + "{% endif %}".repeat(50_000),
                "{% for x in [1] %}".repeat(50_000) + "{% endfor %}".repeat(50_000),
                "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                "{% macro f() %}{{ g() }}{% endmacro %}{% macro g() %}{% for i in [1] %}{{ f() }}{% endfor %}{% endmacro %}{{ f() }}",
                "{% macro f(x=f()) %}{% endmacro %}{{ f() }}",
                "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
                "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}",
                "{{ range(1000000000) | list }}",
                "{{ range(-9000000000000000000, 9000000000000000000) }}",
                "{{ 'abc' * 1000000000 }}",
                "{{ [1] * 1000000000 }}",
                "{{ 9223372036854775807 * 9223372036854775807 }}",
                "{{ 10 ** 1000000 }}",
                "{{ -9223372036854775807 - 2 }}",
                "{{ (-9223372036854775807 - 1) // -1 }}",
                "{{ 'x' | indent(2000000000, true) }}",
                "{{ [1] | tojson(indent=2000000000) }}",
                "{{ '%.9f' % 1e308 ~ 1e999 ~ [1e999] | tojson }}{{ 1 / 0.0 }}",
                "{{ '%f' % 1e999 }}{{ '%.1f' | format('nan' | float) }}{{ '%d' % 1e30 }}",
                "{{ '%i' % 'nan' | float }}{{ '%d' % ('nan' | float) }}",
                "{% set ns = namespace(s='ab') %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s=[1]) %}{% for i in range(99999) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
                "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s.replace('a', 'aaaaaaaaaa') %}{% endfor %}",
                "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s.replace('', 'b') %}{% endfor %}",
                "{% set ns = namespace(s='a') %}{% for i in range(99999) %}{% set ns.s = ns.s | tojson %}{% endfor %}",
                big + "{% for i in range(99999) %}{{ ns.s.find('ab') }}{% endfor %}",
                big
                        + "{{ ns.s.find(ns.s[:500000] + 'b') }}{% for i in range(9999) %}{{ ns.s.find(ns.s[:500000] + 'b') }}{% endfor %}",
                big + "{% for i in range(99999) %}{{ ns.s | length }}{{ ns.s[5] }}{{ ns.s == ns.s ~ '' }}{% endfor %}",
                big + "{% for i in range(99999) %}{{ ns.s | list | length }}{% endfor %}",
                big + "{% for i in range(99999) %}{{ ns.s.split('a') | length }}{{ ns.s.strip(ns.s) }}{% endfor %}",
                big + "{% for i in range(99999) %}{{ ns.s | int }}{{ ns.s | float }}{% endfor %}",
                big + "{% for i in range(99999) %}{% set x = ns.s.upper() ~ ns.s.title() %}{% endfor %}",
                deep + "{{ ns.x }}",
                deep + "{{ ns.x | tojson }}",
                deep + "{{ ns.x == [ns.x] }}",
                deep + "{{ ns.x < [ns.x] }}",
                deep + "{{ ns.x in [[ns.x]] }}",
                deep + "{{ [ns.x, [ns.x]] | sort }}",
                deep + "{{ [ns.x, [ns.x]] | unique | list }}",
                wide + "{{ ns.x }}",
                wide + "{{ ns.x | tojson }}",
                wide + "{% set a = ns.x %}" + wide + "{{ ns.x == a }}",
                "{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}{{ ns == ns }}",
                "{% set ns = namespace() %}{% set ns.me = [ns] %}{{ ns.me | tojson }}",
                "{% set ns = namespace() %}{% set ns.me = ns %}"
                        + "{{ ([ns] * 100000) | map(attribute='me.' * 1000 ~ 'me') | first }}",
                "{{ ([{}] * 100000) | sort(attribute='a' * 1000000 ~ ',') | first }}",
                "{{ ('%s' * 400000) % ((1,) * 400000) }}",
                "{{ ('a,' * 400000).rsplit(',') | length }}",
                colliding + "{{ ns.s.split(',') | unique(case_sensitive=true) | list | length }}",
                "{% set d = " + collidingKeys
                        + " %}{% for i in range(99999) %}{{ d['BBAaAaAaAaAaAaAaAaAaAaAaAaAa'] }}{{ d['AaAaAaAaAaAaAaAaAaAaAaAaAaBB'] }}{% endfor %}",
                big
                        + "{% set d = {ns.s: 1} %}{% set s = ns.s[:4] ~ ns.s[4:] %}{% for i in range(99999) %}{{ d[s] }}{{ s in d }}{% endfor %}",
                "{% for i in range(99999) %}{% for j in range(99999) | sort(reverse=true) %}{% endfor %}{% endfor %}",
                "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = ns.l + [{'a': i}] %}{% endfor %}",
                "{% set ns = namespace(l=[]) %}{% for i in range(99999) %}{% set ns.l = [ns.l, range(99999) | list] %}{% endfor %}",
                "{{ messages.__class__.__base__.__subclasses__() }}",
                "{{ ''.__class__ }}{{ raise_exception.__globals__ }}{{ messages.clear() }}",
                "{{ raise_exception(messages) }}{{ loop }}{{ range }}",
                "{{ strftime_now('%') }}{{ strftime_now('%Q') }}",
                "\0\0{{ '\0' }}{%\0%}",
                "{{ '\ud800' | tojson }}{{ '\ud800'[::-1] }}{{ '\\ud800' }}",
                "{".repeat(1_000_000),
                "{%".repeat(500_000),
                "{% raw %}" + "{%".repeat(400_000),
                "{#".repeat(500_000),
                "x".repeat(2_000_000));
    }

    @ParameterizedTest
    @MethodSource("hostile")
    void hostileTemplatesEndSoon(String source) {
        Duration start = used();
        try {
            ChatTemplate.parse(source, "hostile").render(CONVERSATION, VARIABLES, true);
        } catch (LecternException e) {
            assertThat(e.getMessage()).startsWith("hostile: ").hasSizeLessThan(400);
        }
        // All steps together are worth less than a second; the compiler's and the collector's threads count here too.
        assertThat(used().minus(start)).isLessThan(Duration.ofSeconds(5));
    }

    /** Processor time of this process: a busy machine does not matter. */
    private static Duration used() {
        return ProcessHandle.current().info().totalCpuDuration().orElse(Duration.ZERO);
    }

    @Test
    void aSmallStackIsNoCrash() throws InterruptedException {
        List<Throwable> failures = new ArrayList<>();
        Thread small = new Thread(
                null,
                () -> assertThatThrownBy(
                                () -> ChatTemplate.parse("{% macro f() %}{{ [f()] }}{% endmacro %}{{ f() }}", "deep")
                                        .render(CONVERSATION, VARIABLES, true))
                        .isInstanceOf(BadModelFileException.class),
                "small stack",
                160 * 1024);
        small.setUncaughtExceptionHandler((thread, failure) -> failures.add(failure));
        small.start();
        small.join();
        assertThat(failures).isEmpty();
    }
}
