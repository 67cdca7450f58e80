package dev.lectern.measure.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NeedleTest {
    private static final List<Task> TASKS =
            IntStream.rangeClosed(0, 10).<Task>mapToObj(i -> new Needle(10 * i)).toList();

    /** About what a tokenizer of byte pairs makes: a word with the space before it, a digit, a mark. */
    private static final Pattern TOKEN = Pattern.compile("\\p{Alpha}+|[^\\p{Alpha} ]");

    private static final String NEEDLE = "One of the special magic numbers for ";
    private static final Haystack PROSE = new Prose();

    private static int tokens(String text) {
        return (int) TOKEN.matcher(text).results().count();
    }

    private static int tokens(Sample sample) {
        return tokens(sample.context() + sample.question() + sample.answerBegin());
    }

    private static Sample fitted(Task task, int index, int length, Haystack haystack) {
        return Fitting.sample(task, 6, index, length, haystack, NeedleTest::tokens);
    }

    private static double depth(Sample sample) {
        int needle = sample.context().indexOf(NEEDLE);
        return tokens(sample.context().substring(0, needle)) / (double) tokens(sample.context());
    }

    @Test
    void theirNamesTellTheirDepths() {
        assertThat(TASKS.stream().map(Task::name))
                .containsExactly(
                        "needle_0",
                        "needle_10",
                        "needle_20",
                        "needle_30",
                        "needle_40",
                        "needle_50",
                        "needle_60",
                        "needle_70",
                        "needle_80",
                        "needle_90",
                        "needle_100");
        assertThat(new Needle(25).name()).isEqualTo("needle_25");
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 4096, 16384})
    void aNeedleStandsWithinTwoInAHundredOfItsDepth(int length) {
        for (int depth = 0; depth <= 100; depth += 5) {
            for (int index = 0; index < 5; index++) {
                Sample sample = fitted(new Needle(depth), index, length, PROSE);
                assertThat(depth(sample))
                        .as("depth %s of %s, sample %s", depth, length, index)
                        .isCloseTo(depth / 100.0, within(0.02));
            }
        }
    }

    /** Sentences of 1 to 40 words, of which some are numbers: words say little of tokens there. */
    @Test
    void inTheTextOfAFileItDoesToo() {
        Random random = new Random(9);
        List<String> sentences = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            List<String> words = new ArrayList<>();
            for (int word = random.nextInt(40); word >= 0; word--) {
                words.add(random.nextInt(20) == 0 ? Lexicon.number(random) : Lexicon.one(random, Lexicon.NOUNS));
            }
            sentences.add(String.join(" ", words) + ".");
        }
        Haystack haystack = new TextHaystack("nouns", String.join(" ", sentences));
        for (int depth = 0; depth <= 100; depth += 10) {
            assertThat(depth(fitted(new Needle(depth), 0, 4096, haystack)))
                    .as("depth %s", depth)
                    .isCloseTo(depth / 100.0, within(0.02));
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {256, 512, 1000, 2048, 4096})
    void lengthIsAtMostTwoInAHundredBelowTheOneAskedFor(int length) {
        for (Task task : TASKS) {
            int tokens = tokens(fitted(task, 0, length, PROSE)) + task.answerTokens();
            assertThat(tokens).as("%s at %s", task.name(), length).isBetween((int) Math.ceil(length * 0.98), length);
        }
    }

    @Test
    void whatIsAskedForIsToldOnceAndDiffersFromSampleToSample() {
        Set<String> values = new HashSet<>();
        for (int index = 0; index < 50; index++) {
            Sample sample = fitted(new Needle(50), index, 1000, PROSE);
            String value = sample.references().getFirst();
            assertThat(sample.context().split(value, -1)).hasSize(2);
            assertThat(sample.context().split(NEEDLE, -1)).hasSize(2);
            String key = sample.question().replaceAll(".* for (\\S+) mentioned.*", "$1");
            assertThat(sample.context()).contains(NEEDLE + key + " is: " + value + ".");
            assertThat(sample.question() + sample.answerBegin()).doesNotContain(value);
            values.add(value);
        }
        assertThat(values).hasSize(50);
    }

    @Test
    void theSameSeedGivesTheSameSampleAndALargerSizeALongerOne() {
        Task task = new Needle(70);
        Sample one = task.sample(new Random(7), 400, PROSE);
        assertThat(task.sample(new Random(7), 400, PROSE)).isEqualTo(one);
        assertThat(task.sample(new Random(8), 400, PROSE)).isNotEqualTo(one);
        Sample longer = task.sample(new Random(7), 401, PROSE);
        assertThat(tokens(longer)).isGreaterThan(tokens(one));
        assertThat(longer.references()).isEqualTo(one.references());
    }

    @Test
    void aRightAnswerScoresOneAndAnotherSamplesAnswerNothing() {
        Task task = new Needle(0);
        Sample sample = fitted(task, 0, 512, PROSE);
        Sample other = fitted(task, 1, 512, PROSE);
        assertThat(task.scoring().score(" " + sample.references().getFirst() + ".", sample))
                .isOne();
        assertThat(task.scoring().score(" " + other.references().getFirst() + ".", sample))
                .isZero();
        assertThat(task.scoring().score("1234567", sample)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 101})
    void thereIsNoDepthOutsideTheText(int depth) {
        assertThatThrownBy(() -> new Needle(depth))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining(depth + " per cent");
    }
}
