package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ThinkingSplitterTest {
    private record Example(boolean inside, String streamed, String thinking, String answer) {}

    private static final List<Example> EXAMPLES = List.of(
            new Example(false, "Just an answer.", "", "Just an answer."),
            new Example(false, "<think>\nlet me\n\nsee\n</think>\n\nIt is 4.\n", "let me\n\nsee", "It is 4.\n"),
            new Example(false, "\n <think>x</think>y", "x", "y"),
            new Example(false, "<think></think>", "", ""),
            new Example(false, "<think>\n\n</think>\n\nno thoughts", "", "no thoughts"),
            new Example(false, "The tag <think> is text here </think>", "", "The tag <think> is text here </think>"),
            new Example(false, "<thin air>", "", "<thin air>"),
            new Example(false, "<thi", "", "<thi"),
            new Example(false, "  \n", "", "  \n"),
            new Example(false, "", "", ""),
            new Example(false, "<think>cut off </thi", "cut off </thi", ""),
            new Example(false, "<think>a </b> <</think>c</think>", "a </b> <", "c</think>"),
            new Example(true, "\nI wonder\n</think>\n\nDone", "I wonder", "Done"),
            new Example(true, "never closed\n", "never closed", ""));

    @Test
    void chunksOfAnySizeGiveTheSameSplit() {
        long seed = 7;
        Random random = new Random(seed);
        for (Example example : EXAMPLES) {
            for (int round = 0; round < 200; round++) {
                ThinkingSplitter splitter = new ThinkingSplitter(example.inside());
                StringBuilder thinking = new StringBuilder();
                StringBuilder answer = new StringBuilder();
                int at = 0;
                while (at < example.streamed().length()) {
                    int end = Math.min(example.streamed().length(), at + 1 + random.nextInt(round % 10 + 1));
                    ThinkingSplitter.Split split =
                            splitter.accept(example.streamed().substring(at, end));
                    thinking.append(split.thinking());
                    answer.append(split.answer());
                    at = end;
                }
                ThinkingSplitter.Split rest = splitter.finish();
                thinking.append(rest.thinking());
                answer.append(rest.answer());
                assertThat(thinking.toString()).as(example + ", seed " + seed).isEqualTo(example.thinking());
                assertThat(answer.toString()).as(example + ", seed " + seed).isEqualTo(example.answer());
            }
        }
    }

    @Test
    void anAnswerIsPassedOnAsItComes() {
        ThinkingSplitter splitter = new ThinkingSplitter(false);
        assertThat(splitter.accept("One").answer()).isEqualTo("One");
        assertThat(splitter.accept(" <").answer()).isEqualTo(" <");
    }
}
