package dev.lectern.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

final class ThinkingSplitterTest {
    private record Example(Thinking thinks, String streamed, String thinking, String answer) {}

    private static final List<Example> EXAMPLES = List.of(
            new Example(Thinking.POSSIBLE, "Just an answer.", "", "Just an answer."),
            new Example(
                    Thinking.POSSIBLE, "<think>\nlet me\n\nsee\n</think>\n\nIt is 4.\n", "let me\n\nsee", "It is 4.\n"),
            new Example(Thinking.POSSIBLE, "\n <think>x</think>y", "x", "y"),
            new Example(Thinking.POSSIBLE, "<think></think>", "", ""),
            new Example(Thinking.POSSIBLE, "<think>\n\n</think>\n\nno thoughts", "", "no thoughts"),
            new Example(
                    Thinking.POSSIBLE,
                    "The tag <think> is text here </think>",
                    "",
                    "The tag <think> is text here </think>"),
            new Example(Thinking.POSSIBLE, "<thin air>", "", "<thin air>"),
            new Example(Thinking.POSSIBLE, "<thi", "", "<thi"),
            new Example(Thinking.POSSIBLE, "  \n", "", "  \n"),
            new Example(Thinking.POSSIBLE, "", "", ""),
            new Example(Thinking.POSSIBLE, "<think>cut off </thi", "cut off </thi", ""),
            new Example(Thinking.POSSIBLE, "<think>a </b> <</think>c</think>", "a </b> <", "c</think>"),
            new Example(Thinking.OPENED, "\nI wonder\n</think>\n\nDone", "I wonder", "Done"),
            new Example(Thinking.OPENED, "never closed\n", "never closed", ""),
            new Example(Thinking.NONE, "<think>as text</think>\n", "", "<think>as text</think>\n"));

    @Test
    void chunksOfAnySizeGiveTheSameSplit() {
        long seed = 7;
        Random random = new Random(seed);
        for (Example example : EXAMPLES) {
            for (int round = 0; round < 200; round++) {
                ThinkingSplitter splitter = new ThinkingSplitter(example.thinks());
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
        ThinkingSplitter splitter = new ThinkingSplitter(Thinking.POSSIBLE);
        assertThat(splitter.accept("One").answer()).isEqualTo("One");
        assertThat(splitter.accept(" <").answer()).isEqualTo(" <");
    }
}
