package dev.lectern.measure.tasks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class InfiniteTest {
    /** About what a tokenizer of byte pairs makes: a word with the space before it, a digit, a mark. */
    private static final Pattern TOKEN = Pattern.compile("\\p{Alpha}+|[^\\p{Alpha} ]");

    private static final Haystack PROSE = new Prose();

    private static int tokens(Sample sample) {
        String prompt = sample.context() + sample.question() + sample.answerBegin();
        return (int) TOKEN.matcher(prompt).results().count();
    }

    static List<Task> tasks() {
        return Infinite.tasks();
    }

    private static Task task(String name) {
        return tasks().stream()
                .filter(task -> task.name().equals(name))
                .findFirst()
                .orElseThrow();
    }

    private static Sample fitted(Task task, int index, int length) {
        return Fitting.sample(task, 5, index, length, PROSE, InfiniteTest::tokens);
    }

    @Test
    void theTasksHaveTheNamesOfInfiniteBench() {
        assertThat(tasks().stream().map(Task::name))
                .containsExactly("passkey", "number_string", "kv_retrieval", "math_find");
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void theSameSeedGivesTheSameSample(Task task) {
        Sample one = task.sample(new Random(7), 400, PROSE);
        assertThat(task.sample(new Random(7), 400, PROSE)).isEqualTo(one);
        assertThat(task.sample(new Random(8), 400, PROSE)).isNotEqualTo(one);
    }

    @ParameterizedTest
    @ValueSource(ints = {256, 300, 512, 1000, 2048, 4096})
    void lengthIsAtMostTwoInAHundredBelowTheOneAskedFor(int length) {
        for (Task task : tasks()) {
            for (int index = 0; index < 10; index++) {
                int tokens = tokens(fitted(task, index, length)) + task.answerTokens();
                assertThat(tokens)
                        .as("%s at %s, sample %s", task.name(), length, index)
                        .isBetween((int) Math.ceil(length * 0.98), length);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void aLargerSizeIsLonger(Task task) {
        for (int size = task.smallest(); size < 200; size++) {
            // Random digits and letters make a few tokens more or less, which is less than five sentences or numbers.
            assertThat(tokens(task.sample(new Random(size), size + 5, PROSE)))
                    .as("%s of %s", task.name(), size + 5)
                    .isGreaterThan(tokens(task.sample(new Random(size), size, PROSE)));
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void everyAnswerIsInTheContextAndNotInTheQuestion(Task task) {
        for (int index = 0; index < 50; index++) {
            Sample sample = fitted(task, index, 1000);
            String answer = sample.references().getFirst();
            assertThat(sample.references()).hasSize(1);
            assertThat(sample.context()).containsPattern("\\b" + answer + "\\b");
            assertThat(sample.question() + sample.answerBegin()).doesNotContain(answer);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passkey", "number_string"})
    void digitsStandTwiceInOneLineAndNowhereElse(String name) {
        Task task = task(name);
        int length = name.equals("passkey") ? 5 : 10;
        Set<Integer> lines = new HashSet<>();
        for (int index = 0; index < 100; index++) {
            Sample sample = fitted(task, index, 4096);
            String digits = sample.references().getFirst();
            assertThat(digits).hasSize(length).containsOnlyDigits();
            List<String> told = sample.context()
                    .lines()
                    .filter(line -> line.matches(".*\\d.*"))
                    .toList();
            assertThat(told).hasSize(1);
            assertThat(told.getFirst().split("\\D+")).containsExactly("", digits, digits);
            lines.add(sample.context().lines().toList().indexOf(told.getFirst()));
        }
        // Of 59 places, a hundred draws miss 18 per cent.
        assertThat(lines).hasSizeBetween(40, 59).contains(1);
    }

    @Test
    void aNumberStringRepeatsDigits() {
        Task task = task("number_string");
        int repeated = 0;
        for (int index = 0; index < 100; index++) {
            String digits = fitted(task, index, 256).references().getFirst();
            repeated += (int) IntStream.range(1, 10)
                    .filter(i -> digits.charAt(i) == digits.charAt(i - 1))
                    .count();
        }
        // Five of ten digits repeat the one beside them; by chance 0.9 would.
        assertThat(repeated).isGreaterThanOrEqualTo(500);
    }

    @Test
    void keysAndValuesAreAllDifferentAndTheAskedOnesStandTogether() {
        Task task = task("kv_retrieval");
        for (int index = 0; index < 50; index++) {
            Sample sample = fitted(task, index, 2048);
            String uuid = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}";
            List<MatchResult> pairs = Pattern.compile("\"(" + uuid + ")\": \"(" + uuid + ")\"")
                    .matcher(sample.context())
                    .results()
                    .toList();
            Map<String, String> values = new HashMap<>();
            Set<String> all = new HashSet<>();
            for (MatchResult pair : pairs) {
                values.put(pair.group(1), pair.group(2));
                all.add(pair.group(1));
                all.add(pair.group(2));
            }
            assertThat(pairs).hasSizeGreaterThan(20);
            assertThat(all).hasSize(2 * pairs.size());
            String key = sample.question().replaceAll(".*\"(.*)\".*", "$1");
            assertThat(values.get(key)).isEqualTo(sample.references().getFirst());
        }
    }

    @Test
    void theNumberThatIsFoundIsTheOneAskedFor() {
        Set<String> asked = new HashSet<>();
        for (int index = 0; index < 200; index++) {
            Sample sample = task("math_find").sample(new Random(index), 60 + index % 2, PROSE);
            int[] sorted = numbers(sample).stream()
                    .mapToInt(Integer::intValue)
                    .sorted()
                    .toArray();
            int[] distinct = Arrays.stream(sorted).distinct().toArray();
            String thing = sample.answerBegin().replaceAll(" The (.*) number of the list is:", "$1");
            int right = switch (thing) {
                case "largest" -> distinct[distinct.length - 1];
                case "second largest" -> distinct[distinct.length - 2];
                case "third largest" -> distinct[distinct.length - 3];
                case "smallest" -> distinct[0];
                case "second smallest" -> distinct[1];
                case "third smallest" -> distinct[2];
                case "median" -> sorted[sorted.length / 2];
                default -> throw new AssertionError(thing);
            };
            assertThat(sample.references()).as("seed %s", index).containsExactly(Integer.toString(right));
            assertThat(sample.context()).contains("the " + thing + " number from the list below");
            if (thing.equals("median") && sorted.length % 2 == 0) {
                assertThat(sorted[sorted.length / 2 - 1]).as("seed %s", index).isEqualTo(right);
            }
            asked.add(thing);
        }
        assertThat(asked).hasSize(7);
    }

    private static List<Integer> numbers(Sample sample) {
        String list = sample.context().replaceAll("(?s).*\\[(.*)].*", "$1");
        return Arrays.stream(list.split(", ")).map(Integer::valueOf).toList();
    }

    @Test
    void aRandomNumberIsRightAsOftenAsChanceSays() {
        Task task = task("math_find");
        Random random = new Random(11);
        int right = 0, samples = 20_000;
        for (int i = 0; i < samples; i++) {
            Sample sample = task.sample(new Random(i), 60, PROSE);
            right += (int) task.scoring().score(" " + random.nextInt(100), sample);
        }
        // One in a hundred, whatever is asked: 200 ± 14.
        assertThat(right).isBetween(200 - 4 * 14, 200 + 4 * 14);
    }

    @Test
    void noConstantAnswerIsRightOften() {
        Task task = task("math_find");
        List<Sample> samples = new ArrayList<>();
        for (int i = 0; i < 2000; i++) {
            samples.add(task.sample(new Random(i), 1000, PROSE));
        }
        for (int answer = 0; answer < 100; answer++) {
            String said = Integer.toString(answer);
            double right = samples.stream()
                    .mapToDouble(sample -> task.scoring().score(said, sample))
                    .average()
                    .orElseThrow();
            // At most three of seven questions share an answer, each among twenty: 2.1 per cent, and four standard
            // errors of 0.3.
            assertThat(right).as(said).isLessThan(0.034);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"passkey", "number_string", "kv_retrieval"})
    void nothingGuessedIsRightWhereSomethingIsHidden(String name) {
        Task task = task(name);
        for (int index = 0; index < 200; index++) {
            Sample sample = fitted(task, index, 256);
            assertThat(task.scoring().score(" 12345", sample)).isZero();
            assertThat(task.scoring().score("", sample)).isZero();
            String other = fitted(task, index + 1, 256).references().getFirst();
            assertThat(task.scoring().score(" " + other, sample)).isZero();
        }
    }

    @ParameterizedTest
    @MethodSource("tasks")
    void aRightAnswerInWordsScoresOne(Task task) {
        Sample sample = fitted(task, 0, 512);
        assertThat(task.scoring().score("\n**" + sample.references().getFirst() + "**, I think.", sample))
                .isOne();
    }

    @Test
    void aNumberMustBeTheFirstAndWhole() {
        Sample sample = new Sample("", "", "", List.of("97"));
        for (String right : List.of("97", " 97.", "It is 97, not 98.", "[97]", "97%", "\u000797\n1")) {
            assertThat(Scoring.FIRST_NUMBER.score(right, sample)).as(right).isOne();
        }
        for (String wrong : List.of("", "none", "970", "197", "97.5", "0.97", "9 7", "98 or 97", "097", "1. 97")) {
            assertThat(Scoring.FIRST_NUMBER.score(wrong, sample)).as(wrong).isZero();
        }
    }
}
