package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * A long list of whole numbers, 0 to 99, of which one is asked for: the largest, second or third largest, the smallest, second or third smallest (equal numbers count once), or the median. Every number
 * must be looked at. So that the answer is not always the same, the list ends at 79 to 99 or begins at 0 to 19.
 *
 * <p>Source: Zhang et al., "∞Bench" (arXiv 2402.13718), section 3.2.3, Math.Find; the templates and ranges are those of its published generator.
 *
 * <p>Deviation: where two numbers are in the middle and differ, one is replaced by the other, so that the median is always a number of the list. Size counts numbers.
 */
final class MathFind implements Task {
    private static final int MOST = 99;

    private enum Kind {
        LARGEST("largest", list -> ranked(list, Comparator.reverseOrder(), 1)),
        SECOND_LARGEST("second largest", list -> ranked(list, Comparator.reverseOrder(), 2)),
        THIRD_LARGEST("third largest", list -> ranked(list, Comparator.reverseOrder(), 3)),
        SMALLEST("smallest", list -> ranked(list, Comparator.naturalOrder(), 1)),
        SECOND_SMALLEST("second smallest", list -> ranked(list, Comparator.naturalOrder(), 2)),
        THIRD_SMALLEST("third smallest", list -> ranked(list, Comparator.naturalOrder(), 3)),
        MEDIAN("median", MathFind::upperMiddle);

        final String words;
        final Function<List<Integer>, Integer> answer;

        Kind(String words, Function<List<Integer>, Integer> answer) {
            this.words = words;
            this.answer = answer;
        }

        boolean atTheTop() {
            return this == LARGEST || this == SECOND_LARGEST || this == THIRD_LARGEST;
        }
    }

    @Override
    public String name() {
        return "math_find";
    }

    @Override
    public int answerTokens() {
        return 8;
    }

    @Override
    public Scoring scoring() {
        return Scoring.FIRST_NUMBER;
    }

    @Override
    public int smallest() {
        return 30;
    }

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Kind kind = Lexicon.one(random, List.of(Kind.values()));
        boolean top = kind == Kind.MEDIAN ? random.nextBoolean() : kind.atTheTop();
        int narrower = random.nextInt(top ? 21 : 20);
        int from = top ? 0 : narrower;
        List<Integer> numbers = new ArrayList<>(Stream.generate(() -> from + random.nextInt(MOST + 1 - narrower))
                .limit(size)
                .toList());
        if (kind == Kind.MEDIAN && size % 2 == 0) {
            List<Integer> sorted = numbers.stream().sorted().toList();
            numbers.set(numbers.indexOf(upperMiddle(numbers)), sorted.get(size / 2 - 1));
        }
        String context = (kind == Kind.MEDIAN ? "Calculate" : "Find") + " the " + kind.words
                + " number from the list below:\n\n" + numbers + "\n";
        return new Sample(
                context,
                "You should answer with only one number, no other words.",
                " The " + kind.words + " number of the list is:",
                List.of(kind.answer.apply(numbers).toString()));
    }

    /** @param rank from 1; equal numbers share one */
    private static int ranked(List<Integer> numbers, Comparator<Integer> order, int rank) {
        return numbers.stream().distinct().sorted(order).toList().get(rank - 1);
    }

    private static int upperMiddle(List<Integer> numbers) {
        return numbers.stream().sorted().toList().get(numbers.size() / 2);
    }
}
