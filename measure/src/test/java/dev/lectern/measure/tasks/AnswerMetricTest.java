package dev.lectern.measure.tasks;

import static dev.lectern.measure.tasks.AnswerMetric.ACCURACY;
import static dev.lectern.measure.tasks.AnswerMetric.EXACT_MATCH;
import static dev.lectern.measure.tasks.AnswerMetric.F1;
import static dev.lectern.measure.tasks.AnswerMetric.ROUGE_L;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * Answers right, partly right and wrong, with scores made by hand: of F1, 2c / (a + r) for c common words of a in the answer and r in the reference. The same numbers came from the Python package
 * rouge-score 0.1.2 (ROUGE-L, F-measure, no stemmer, over the words that {@link AnswerWords} leaves) and from LongBench's formula of F1 written down in Python.
 */
class AnswerMetricTest {
    private static final List<String> SHIPS =
            List.of("the Constance", "the Patient Heron", "the Heron", "the Annelie Borg");

    private static Question free(String... answers) {
        return new Question(1, "1", "", "text", "?", List.of(answers), List.of(), List.of());
    }

    private static Question choice(String answer, List<String> options) {
        return new Question(1, "1", "", "text", "?", List.of(answer), options, List.of());
    }

    private static Question classes(String answer, String... classes) {
        return new Question(1, "1", "", "text", "?", List.of(answer), List.of(), List.of(classes));
    }

    private static void scores(String answer, String reference, double f1, double rougeL) {
        assertThat(F1.score(answer, free(reference))).as("F1 of " + answer).isCloseTo(f1, within(1e-12));
        assertThat(ROUGE_L.score(answer, free(reference)))
                .as("ROUGE-L of " + answer)
                .isCloseTo(rougeL, within(1e-12));
    }

    @Test
    void wordsAndTheirOrderAreCounted() {
        scores("The brig Constance.", "the Constance", 2.0 / 3, 2.0 / 3);
        scores("41,300 cubic metres of sand and silt", "41,300 cubic metres", 6.0 / 10, 6.0 / 10);
        scores(
                "Forty-four steel piles were driven through the rubble.",
                "They drove forty-four steel piles through the rubble",
                10.0 / 14,
                10.0 / 14);
        scores(
                "In May the outer face was underpinned, and in September again.",
                "It was underpinned between May and September",
                10.0 / 17,
                8.0 / 17);
        scores(
                "eleven days later a farmer found the buoy",
                "a farmer found the buoy eleven days later",
                12.0 / 12,
                6.0 / 12);
        scores("Tobias Renn", "Odile Marrack", 0, 0);
        scores("", "five hours", 0, 0);
    }

    @Test
    void aWordCountsAsOftenAsBothHaveIt() {
        scores("cat cat cat", "a cat and another cat", 4.0 / 7, 4.0 / 7);
    }

    @Test
    void theNearestOfSeveralReferencesCounts() {
        Question question = free("seventeen", "17 nautical miles");
        assertThat(F1.score("17 miles", question)).isCloseTo(4.0 / 5, within(1e-12));
        assertThat(EXACT_MATCH.score("Seventeen!", question)).isEqualTo(1);
        assertThat(EXACT_MATCH.score("17 miles", question)).isZero();
    }

    @Test
    void capitalsPunctuationArticlesAndSpaceDoNotMatter() {
        assertThat(EXACT_MATCH.score("  THE  “Patient\nHeron”. ", free("Patient Heron")))
                .isEqualTo(1);
        assertThat(EXACT_MATCH.score("its", free("it’s"))).isEqualTo(1);
        assertThat(EXACT_MATCH.score("A", free("A"))).isEqualTo(1);
        assertThat(EXACT_MATCH.score("", free("?"))).isZero();
        assertThat(F1.score("港口", free("港湾"))).isEqualTo(0.5);
    }

    @Test
    void anAnswerThatContainsARightOneIsAccurate() {
        assertThat(ACCURACY.score("She removed 41,300 cubic metres.", free("41300")))
                .isEqualTo(1);
        assertThat(ACCURACY.score("She removed 41,300 cubic metres.", free("300")))
                .isZero();
        assertThat(ACCURACY.score("cubic 41,300 metres", free("41,300 cubic metres")))
                .isZero();
        assertThat(ACCURACY.score("", free("five"))).isZero();
    }

    @Test
    void anOptionIsNamedByItsLetterOrItsText() {
        for (String right : List.of(
                "B",
                "b",
                "(B)",
                "B. the Constance",
                "The correct answer is (B).",
                "Option A is wrong; the answer is: B",
                "**Answer: B**",
                "the Patient Heron",
                "It was the Patient Heron, I think.",
                "A ship named Patient Heron",
                "That must be B")) {
            assertThat(ACCURACY.score(right, choice("the Patient Heron", SHIPS)))
                    .as(right)
                    .isEqualTo(1);
            assertThat(ACCURACY.score(right, choice("B", SHIPS))).as(right).isEqualTo(1);
        }
        for (String wrong : List.of("", "A", "C", "Heron", "Z", "the Constance or the Patient Heron", "Bat", "B's")) {
            assertThat(ACCURACY.score(wrong, choice("the Patient Heron", SHIPS)))
                    .as(wrong)
                    .isZero();
        }
    }

    @Test
    void anOptionIsComparedByItsTextItsLetterAndBoth() {
        for (String right : List.of("B", "the Patient Heron", "B. the Patient Heron")) {
            assertThat(EXACT_MATCH.score(right, choice("B", SHIPS))).as(right).isEqualTo(1);
            assertThat(F1.score(right, choice("B", SHIPS))).as(right).isEqualTo(1);
        }
    }

    @Test
    void anAnswerThatNamesSeveralClassesIsPartlyRight() {
        Question question = classes("Food", "Food", "City", "Animal", "Sea food");
        assertThat(ACCURACY.score("food", question)).isEqualTo(1);
        assertThat(ACCURACY.score("Type: Food, or City", question)).isEqualTo(0.5);
        assertThat(ACCURACY.score("City", question)).isZero();
        assertThat(ACCURACY.score("Sea food", classes("Sea food", "Food", "Sea food")))
                .isEqualTo(1);
    }

    @Test
    void aRightAnswerThatIsNoOptionIsRefused() {
        assertThatThrownBy(() -> choice("the Merle", SHIPS))
                .hasMessageContaining("the Merle")
                .hasMessageContaining("none of the options");
        assertThatThrownBy(() -> choice("E", SHIPS)).hasMessageContaining("\"E\"");
    }
}
