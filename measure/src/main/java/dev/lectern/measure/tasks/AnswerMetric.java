package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How near an answer is to a right one, 0 to 1; of several right ones, to the nearest. Answers are compared by their words, see {@link AnswerWords}: those of LongBench and InfiniteBench for questions.
 *
 * <p>Sources: Bai et al., "LongBench" (arXiv 2308.14508); Zhang et al., "InfiniteBench" (arXiv 2402.13718).
 */
public enum AnswerMetric {
    /**
     * The harmonic mean of precision and recall of the words, whatever their order, each as often as both have it.
     *
     * <p>Source: Rajpurkar et al., "SQuAD" (arXiv 1606.05250).
     */
    F1 {
        @Override
        double score(List<String> answer, List<String> reference) {
            List<String> left = new ArrayList<>(answer);
            return harmonic(reference.stream().filter(left::remove).count(), answer.size(), reference.size());
        }
    },

    /** 1 if the words are the same. */
    EXACT_MATCH {
        @Override
        double score(List<String> answer, List<String> reference) {
            return !answer.isEmpty() && answer.equals(reference) ? 1 : 0;
        }
    },

    /**
     * ROUGE-L: the harmonic mean of what share of the answer and of the reference their longest common subsequence of words is, thus with β = 1.
     *
     * <p>Source: Lin, "ROUGE: a package for automatic evaluation of summaries" (2004), section 3.1.
     */
    ROUGE_L {
        @Override
        double score(List<String> answer, List<String> reference) {
            return harmonic(commonSubsequence(answer, reference), answer.size(), reference.size());
        }
    },

    /**
     * Of options: 1 if the answer names a right one, by letter or text. Of classes: 1 / n if it names the right one among n. Else 1 if the words of a right answer stand in it, one after the other.
     */
    ACCURACY {
        @Override
        double score(List<String> answer, List<String> reference) {
            return AnswerWords.contain(answer, reference) ? 1 : 0;
        }

        @Override
        public double score(String answer, Question question) {
            if (question.isChoice()) {
                return NamedOption.of(answer, question.options()).stream().anyMatch(question.right()::contains) ? 1 : 0;
            }
            return question.classes().isEmpty() ? super.score(answer, question) : classified(answer, question);
        }
    };

    abstract double score(List<String> answer, List<String> reference);

    /**
     * Scores an answer.
     *
     * @return 0 to 1
     */
    public double score(String answer, Question question) {
        List<String> words = AnswerWords.of(answer);
        return question.references().stream()
                .mapToDouble(reference -> score(words, AnswerWords.of(reference)))
                .max()
                .orElseThrow();
    }

    /** What results call it: {@code f1}, {@code exact_match}, {@code rouge_l}, {@code accuracy}. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    private static double harmonic(long common, int answer, int reference) {
        return common == 0
                ? 0
                : 2.0 * common / (answer + reference); // 2pr / (p + r) for p = common / answer, r = common / reference
    }

    private static int commonSubsequence(List<String> one, List<String> other) {
        int[] before = new int[other.size() + 1];
        for (String word : one) {
            int[] now = new int[other.size() + 1];
            for (int i = 0; i < other.size(); i++) {
                now[i + 1] = word.equals(other.get(i)) ? before[i] + 1 : Math.max(before[i + 1], now[i]);
            }
            before = now;
        }
        return before[other.size()];
    }

    /** LongBench's rule: a name that is part of the right one's name does not count beside it. */
    private static double classified(String answer, Question question) {
        List<String> words = AnswerWords.of(answer);
        List<List<String>> named = question.classes().stream()
                .map(AnswerWords::of)
                .distinct()
                .filter(name -> AnswerWords.contain(words, name))
                .toList();
        double best = 0;
        for (String reference : question.answers()) {
            List<String> right = AnswerWords.of(reference);
            if (named.contains(right)) {
                long counted = named.stream()
                        .filter(name -> name.equals(right) || !AnswerWords.contain(right, name))
                        .count();
                best = Math.max(best, 1.0 / counted);
            }
        }
        return best;
    }
}
