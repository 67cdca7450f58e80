package dev.lectern.measure.tasks;

import static dev.lectern.measure.tasks.Needles.Hay.NEEDLES;
import static dev.lectern.measure.tasks.Needles.Hay.NOISE;
import static dev.lectern.measure.tasks.Needles.Hay.PROSE;
import static dev.lectern.measure.tasks.Needles.Kind.NUMBER;
import static dev.lectern.measure.tasks.Needles.Kind.UUID;
import static dev.lectern.measure.tasks.Needles.Kind.WORD;

import java.util.List;

/**
 * The thirteen tasks of RULER, made anew: of the same form and wording, with other haystacks, words and documents. Results are called RULER-like.
 *
 * <p>Source: Hsieh et al., "RULER: What's the Real Context Size of Your Long-Context Language Models?" (arXiv 2404.06654).
 */
public final class Ruler {
    private Ruler() {}

    /** @param tokens the length that samples will be made for */
    public static List<Task> tasks(int tokens) {
        return List.of(
                new Needles("niah_single_1", NOISE, WORD, NUMBER, 1, 1, 1),
                new Needles("niah_single_2", PROSE, WORD, NUMBER, 1, 1, 1),
                new Needles("niah_single_3", PROSE, WORD, UUID, 1, 1, 1),
                new Needles("niah_multikey_1", PROSE, WORD, NUMBER, 4, 1, 1),
                new Needles("niah_multikey_2", NEEDLES, WORD, NUMBER, 1, 1, 1),
                new Needles("niah_multikey_3", NEEDLES, UUID, UUID, 1, 1, 1),
                new Needles("niah_multivalue", PROSE, WORD, NUMBER, 1, 4, 1),
                new Needles("niah_multiquery", PROSE, WORD, NUMBER, 4, 1, 4),
                new VariableTracking(),
                CommonWords.forLength(tokens),
                new FrequentWords(),
                new FactQuestions("qa_1", false),
                new FactQuestions("qa_2", true));
    }
}
