package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Passages, and what answers read of them. The tiny vocabularies spell most words letter by letter. */
class PassageTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");

    private static Model open(String name) {
        return Model.open(TINY.resolve(name), ModelOptions.DEFAULT.withThreads(2));
    }

    private static List<Passage> passages(Model model, String text) {
        int[] tokens = model.tokenize(text);
        List<Passage> passages = Passage.of(model.tokenizer(), tokens, 0, tokens.length);
        assertThat(passages.stream().map(Passage::text).collect(Collectors.joining()))
                .isEqualTo(text);
        int token = 0;
        int character = 0;
        for (Passage passage : passages) {
            assertThat(passage.firstToken()).isEqualTo(token);
            assertThat(passage.firstCharacter()).isEqualTo(character);
            assertThat(passage.text()).isEqualTo(text.substring(character, passage.endCharacter()));
            assertThat(passage.line())
                    .isEqualTo(1
                            + text.substring(0, character)
                                    .chars()
                                    .filter(c -> c == '\n')
                                    .count());
            token = passage.endToken();
            character = passage.endCharacter();
        }
        assertThat(token).isEqualTo(tokens.length);
        return passages;
    }

    @Test
    void passagesAreParagraphsAndShortOnesGoWithTheNext() {
        String title = "Of cranes\n\n", long1 = "There are three cranes at the quay, and one is red.\n\n";
        String long2 = "The other cranes are green, as everybody can see.\n\n", end = "So far.";
        try (Model model = open("qwen2")) {
            assertThat(passages(model, title + long1 + long2 + end))
                    .extracting(Passage::text)
                    .containsExactly(title + long1, long2, end);
            assertThat(passages(model, "")).isEmpty();
            assertThat(passages(model, "No.")).hasSize(1);
        }
    }

    @Test
    void aLongParagraphIsCutBehindASentence() {
        String sentence = "Nobody (so it was said) had seen \"the light.\" ";
        try (Model model = open("qwen2")) {
            List<Passage> passages = passages(model, sentence.repeat(20).strip());
            assertThat(passages).hasSizeGreaterThan(5);
            assertThat(passages).allMatch(passage -> passage.text().strip().startsWith("Nobody"));
            assertThat(passages).allMatch(passage -> passage.endToken() - passage.firstToken() <= 96);
            assertThat(passages(model, "x1".repeat(400)))
                    .allMatch(passage -> passage.endToken() - passage.firstToken() <= 96);
            assertThat(passages(model, "ein Schiff läuft ein 🚢 ".repeat(30))).hasSizeGreaterThan(3);
        }
    }

    @Test
    void whatWasReadAddsUpToOneAndIsToldOfTheAnswerAlone() {
        try (Model model = open("llama3");
                Session session = model.newSession(SessionOptions.DEFAULT)) {
            int[] tokens = model.tokenize("A red crane. ".repeat(6) + "Which?");
            List<Passage> passages =
                    List.of(new Passage(0, 20, 0, 1, ""), new Passage(20, 40, 0, 1, ""), new Passage(40, 45, 0, 1, ""));
            PassageReading reading = new PassageReading(model.attentionShape(), passages);
            assertThat(reading.masses()).containsOnly(0);
            session.observe(reading);
            session.read(tokens, Progress.NONE, new Cancellation());
            double[] ofQuestion = reading.masses();
            PassageReading other = reading.copy();
            session.generate(
                    GenerateOptions.DEFAULT.withMaxTokens(4).withIgnoreEnd(true),
                    TokenListener.NONE,
                    new Cancellation());
            assertThat(Arrays.stream(ofQuestion).sum()).isCloseTo(1, within(1e-9));
            assertThat(Arrays.stream(reading.masses()).sum()).isCloseTo(1, within(1e-9));
            assertThat(reading.masses()).isNotEqualTo(ofQuestion);
            assertThat(other.masses()).isEqualTo(ofQuestion);
        }
    }
}
