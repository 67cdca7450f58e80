package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions of which not all tokens stay, on a tiny model. */
class RetentionSessionTest {
    private static final ModelOptions MODEL =
            ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=8");
    private static final SessionOptions F16 = SessionOptions.DEFAULT.withKv("f16");
    private static final int PROMPT = 700;
    private static final GenerateOptions ANSWER =
            GenerateOptions.DEFAULT.withMaxTokens(8).withIgnoreEnd(true);

    private static Model open() {
        return Model.open(Path.of("src/test/resources/tiny/qwen2"), MODEL);
    }

    private static void read(Session session, int seed, int tokens) {
        session.read(new Random(seed).ints(tokens, 0, 250).toArray(), Progress.NONE, new Cancellation());
    }

    private static List<Integer> answer(Session session) {
        return session.generate(ANSWER, TokenListener.NONE, new Cancellation()).tokens();
    }

    @ParameterizedTest
    @ValueSource(strings = {"snapkv:budget=100%", "h2o:budget=100%"})
    void aBudgetOfEverythingChangesNoAnswer(String keep) {
        try (Model model = open();
                Session all = model.newSession(F16);
                Session some = model.newSession(F16.withKeep(keep))) {
            read(all, 1, PROMPT);
            read(some, 1, PROMPT);
            assertThat(answer(some)).isEqualTo(answer(all));
            assertThat(some.methods().get("retention")).startsWith(keep);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"snapkv:budget=100", "h2o:budget=100"})
    void anAnswerBeginsWithWhatStays(String keep) {
        try (Model model = open();
                Session all = model.newSession(F16);
                Session session = model.newSession(F16.withKeep(keep))) {
            read(all, 1, PROMPT);
            read(session, 1, PROMPT);
            assertThat(session.bytes()).isEqualTo(all.bytes());
            float[] first = session.logits();
            assertThat(first).isEqualTo(all.logits());
            List<Integer> answer = answer(session);
            assertThat(answer.getFirst()).isEqualTo(answer(all).getFirst());
            // 700 tokens fill three pages, 107 fill one.
            assertThat(session.bytes()).isEqualTo(all.bytes() / 3);
            assertThat(session.length()).isEqualTo(PROMPT + 7).isEqualTo(all.length());
            assertThat(session.tokens()).hasSize(PROMPT + 7);

            // It goes on: another text, another answer, several together.
            read(session, 2, 50);
            assertThat(session.length()).isEqualTo(PROMPT + 57);
            assertThat(session.generate(2, ANSWER, TokenListener.NONE, new Cancellation()))
                    .hasSize(2);
            session.truncate(session.length() - 2);
            assertThat(session.logits()).hasSize(model.vocabulary());
            assertThatThrownBy(() -> session.truncate(300))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("--keep");
        }
    }

    @Test
    void aForkIsNotTouched() {
        try (Model model = open();
                Session session = model.newSession(F16.withKeep("snapkv:budget=64"))) {
            read(session, 1, PROMPT);
            try (Session fork = session.fork()) {
                fork.evict(new Cancellation());
                assertThat(fork.bytes()).isLessThan(session.bytes());
                assertThat(fork.length()).isEqualTo(PROMPT);
                assertThat(answer(fork)).hasSize(8);
            }
            assertThat(session.length()).isEqualTo(PROMPT);
            session.truncate(10);
            assertThat(session.length()).isEqualTo(10);
        }
    }

    @Test
    void anUnknownWayIsSaid() {
        try (Model model = open()) {
            assertThatThrownBy(() -> model.newSession(F16.withKeep("lru")))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("snapkv, h2o");
        }
    }
}
