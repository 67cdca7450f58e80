package dev.lectern.measure.tasks;

import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/**
 * How an answer is scored, 0 to 1: does it contain the references, upper and lower case alike? Control characters count as line ends.
 *
 * <p>Source: Hsieh et al., "RULER" (arXiv 2404.06654), its metrics {@code string_match_all} and {@code string_match_part}; Zhang et al., "∞Bench" (arXiv 2402.13718), that of its numbers.
 */
public enum Scoring {
    /** The share of references that it contains. */
    ALL {
        @Override
        double score(String answer, List<String> references) {
            return references.stream().filter(answer::contains).count() / (double) references.size();
        }
    },

    /** 1 if it contains any. */
    ANY {
        @Override
        double score(String answer, List<String> references) {
            return references.stream().anyMatch(answer::contains) ? 1 : 0;
        }
    },

    /** 1 if its first number is a reference, digit for digit: part of a longer number is not, and neither is a number named later. A sign and leading words do not matter. */
    FIRST_NUMBER {
        @Override
        double score(String answer, List<String> references) {
            return NUMBER.matcher(answer)
                            .results()
                            .map(MatchResult::group)
                            .findFirst()
                            .filter(references::contains)
                            .isPresent()
                    ? 1
                    : 0;
        }
    };

    private static final Pattern NUMBER = Pattern.compile("\\d+(\\.\\d+)?");

    abstract double score(String answer, List<String> references);

    public double score(String answer, Sample sample) {
        List<String> references =
                sample.references().stream().map(Scoring::plain).toList();
        return score(plain(answer), references);
    }

    private static String plain(String text) {
        return text.replaceAll("\\p{Cntrl}", "\n").strip().toLowerCase(Locale.ROOT);
    }
}
