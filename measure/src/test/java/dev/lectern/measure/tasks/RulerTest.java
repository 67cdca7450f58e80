package dev.lectern.measure.tasks;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import java.util.List;
import java.util.Random;
import java.util.function.ToIntFunction;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class RulerTest {
    /** About as many as a tokenizer of byte pairs makes: words, digits and marks. */
    private static final ToIntFunction<Sample> TOKENS = sample ->
            (sample.context() + sample.question() + sample.answerBegin()).split("(?<=[^a-zA-Z])|(?=[^a-zA-Z])").length;

    private static final Haystack PROSE = new Prose();
    private static final int LENGTH = 6000;

    static List<Task> tasks() {
        return Ruler.tasks(LENGTH);
    }

    @Test
    void thereAreThirteenTasksWithTheNamesOfRuler() {
        assertThat(tasks().stream().map(Task::name))
                .containsExactly(
                        "niah_single_1",
                        "niah_single_2",
                        "niah_single_3",
                        "niah_multikey_1",
                        "niah_multikey_2",
                        "niah_multikey_3",
                        "niah_multivalue",
                        "niah_multiquery",
                        "vt",
                        "cwe",
                        "fwe",
                        "qa_1",
                        "qa_2");
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void theSameSeedGivesTheSameSample(Task task) {
        Sample one = task.sample(new Random(7), 400, PROSE);
        assertThat(task.sample(new Random(7), 400, PROSE)).isEqualTo(one);
        assertThat(task.sample(new Random(8), 400, PROSE)).isNotEqualTo(one);
    }

    @ParameterizedTest
    @ValueSource(ints = {2048, 6000, 16384})
    void lengthIsAtMostTwoInAHundredBelowTheOneAskedFor(int length) {
        for (Task task : Ruler.tasks(length)) {
            Sample sample = Fitting.sample(task, 1, 0, length, PROSE, TOKENS);
            int tokens = TOKENS.applyAsInt(sample) + task.answerTokens();
            assertThat(tokens).as("%s at %s", task.name(), length).isBetween((int) (length * 0.98), length);
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void everyAnswerIsInTheContextJustOnceAndNotInTheQuestion(Task task) {
        for (int index = 0; index < 50; index++) {
            Sample sample = Fitting.sample(task, 2, index, LENGTH, PROSE, TOKENS);
            for (String reference : sample.references()) {
                int often = occurrences(sample.context(), reference);
                assertThat(often).as("%s of %s", reference, task.name()).isPositive();
                if (task instanceof Needles || task instanceof FactQuestions) {
                    assertThat(often).as("%s of %s", reference, task.name()).isOne();
                }
                assertThat(sample.question() + sample.answerBegin()).doesNotContain(reference);
            }
        }
    }

    @Test
    @Timeout(60)
    void namesDoNotRunOut() {
        Task task = new FactQuestions("qa_2", true);
        Sample sample = task.sample(new Random(1), 40_000, PROSE);
        assertThat(sample.context()).hasSizeGreaterThan(2_000_000);
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void aRightAnswerScoresOneAndAnotherSamplesAnswerNothing(Task task) {
        Sample sample = Fitting.sample(task, 3, 0, LENGTH, PROSE, TOKENS);
        Sample other = Fitting.sample(task, 3, 1, LENGTH, PROSE, TOKENS);
        assertThat(task.scoring().score(" " + String.join(", ", sample.references()) + ".", sample))
                .isOne();
        assertThat(task.scoring().score(" " + String.join(", ", other.references()) + ".", sample))
                .isZero();
        assertThat(task.scoring().score("", sample)).isZero();
    }

    @Test
    void partOfTheReferencesIsPartOfAPointWhereAllAreAskedFor() {
        Sample sample = new Sample("", "", "", List.of("Pear", "plum", "apple", "fig"));
        assertThat(Scoring.ALL.score("PEAR and\u0007Plum", sample)).isEqualTo(0.5);
        assertThat(Scoring.ANY.score("PEAR and\u0007Plum", sample)).isEqualTo(1);
        assertThat(Scoring.ANY.score("peach", sample)).isZero();
    }

    @Test
    void needlesStandAtEveryDepth() {
        Task task = tasks().get(1);
        double lowest = 1, highest = 0;
        for (int index = 0; index < 60; index++) {
            Sample sample = Fitting.sample(task, 4, index, 2048, PROSE, TOKENS);
            double depth = sample.context().indexOf("One of the special magic")
                    / (double) sample.context().length();
            lowest = Math.min(lowest, depth);
            highest = Math.max(highest, depth);
        }
        assertThat(lowest).isLessThan(0.1);
        assertThat(highest).isGreaterThan(0.9);
    }

    @Test
    void aLengthTooShortForATaskIsSaid() {
        assertThatThrownBy(() -> Fitting.sample(tasks().get(9), 1, 0, 500, PROSE, TOKENS))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("--length 500 is too short for cwe");
    }

    private static int occurrences(String text, String part) {
        int count = 0;
        for (int at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + 1)) {
            count++;
        }
        return count;
    }
}
