package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What sessions promise, on tiny models. */
class SessionTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final SessionOptions F32 = SessionOptions.DEFAULT.withKv("f32");

    private static Model open(String name, int threads) {
        return Model.open(TINY.resolve(name), ModelOptions.DEFAULT.withThreads(threads));
    }

    private static int[] prompt(Model model, int n) {
        return new Random(n).ints(n, 0, 250).toArray();
    }

    private static void read(Session session, int... tokens) {
        session.read(tokens, Progress.NONE, new Cancellation());
    }

    private static GenerateOptions options(int tokens) {
        return GenerateOptions.DEFAULT.withMaxTokens(tokens).withIgnoreEnd(true);
    }

    private static Answer generate(Session session, GenerateOptions options) {
        return session.generate(options, TokenListener.NONE, new Cancellation());
    }

    /** Bits of a row, so that equality means equality. */
    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(x[i]));
        return bits;
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama2",
                "llama3",
                "mistral-window",
                "qwen2",
                "qwen3",
                "gpt2",
                "llama-k.gguf",
                "llama2-q4_0.gguf"
            })
    void oneChunkManyChunksAndTokenByTokenAgree(String name) {
        try (Model model = open(name, 2)) {
            int[] prompt = prompt(model, Math.min(120, model.context()));
            float[] once, chunks, tokens;
            try (Session session = model.newSession(F32)) {
                read(session, prompt);
                once = session.logits();
            }
            try (Session session = model.newSession(F32)) {
                for (int from = 0; from < prompt.length; from += 19) {
                    read(session, Arrays.copyOfRange(prompt, from, Math.min(prompt.length, from + 19)));
                }
                chunks = session.logits();
            }
            try (Session session = model.newSession(F32)) {
                for (int token : prompt) {
                    read(session, token);
                }
                tokens = session.logits();
            }
            float largest = 0;
            for (float x : once) {
                largest = Math.max(largest, Math.abs(x));
            }
            for (int i = 0; i < once.length; i++) {
                assertThat(Math.abs(chunks[i] - once[i]) / largest).isLessThanOrEqualTo(1e-5f);
                assertThat(Math.abs(tokens[i] - once[i]) / largest).isLessThanOrEqualTo(1e-5f);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2-bf16.gguf", "llama-k.gguf", "llama2-all-types.gguf", "gpt2"})
    void theSameBitsWithOneTwoOrThreeThreads(String name) {
        List<int[]> logits = new ArrayList<>();
        List<List<Integer>> answers = new ArrayList<>();
        for (int threads = 1; threads <= 3; threads++) {
            try (Model model = open(name, threads);
                    Session session = model.newSession(SessionOptions.DEFAULT)) {
                read(session, prompt(model, 60));
                answers.add(generate(session, options(12)).tokens());
                logits.add(bits(session.logits()));
            }
        }
        assertThat(logits.get(1)).isEqualTo(logits.get(0));
        assertThat(logits.get(2)).isEqualTo(logits.get(0));
        assertThat(answers.get(1)).isEqualTo(answers.get(0));
        assertThat(answers.get(2)).isEqualTo(answers.get(0));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen3", "llama-k.gguf", "llama2-q5_0.gguf"})
    void answersOfABatchAreThoseOfOneByOneBitForBit(String name) {
        GenerateOptions sampled = options(20).withSampling(new Sampling(1.2, 40, 0.95, 0.01, 1.1, 42));
        try (Model model = open(name, 2);
                Session document = model.newSession(SessionOptions.DEFAULT)) {
            read(document, prompt(model, 50));
            List<Answer> together;
            int[] afterwards;
            try (Session fork = document.fork()) {
                together = fork.generate(8, sampled, TokenListener.NONE, new Cancellation());
                afterwards = bits(fork.logits());
            }
            assertThat(together).hasSize(8);
            assertThat(together.stream().map(Answer::tokens).distinct().count()).isGreaterThan(1);
            try (Session fork = document.fork()) {
                assertThat(generate(fork, sampled)).isEqualTo(together.getFirst());
                assertThat(bits(fork.logits())).isEqualTo(afterwards);
            }
        }
    }

    @Test
    void aForkGoesOnLikeItsParentAndDisturbsNothing() {
        try (Model model = open("llama3", 2);
                Session parent = model.newSession(F32)) {
            read(parent, prompt(model, 40));
            try (Session fork = parent.fork()) {
                read(fork, 1, 2, 3);
                Answer ofFork = generate(fork, options(10));
                try (Session fresh = model.newSession(F32)) {
                    read(fresh, prompt(model, 40));
                    read(fresh, 1, 2, 3);
                    assertThat(generate(fresh, options(10))).isEqualTo(ofFork);
                }
            }
            assertThat(parent.length()).isEqualTo(40);
            assertThat(parent.tokens()).isEqualTo(prompt(model, 40));
        }
    }

    @Test
    void truncationForgetsAndReadingGoesOnAsIfNothingHadBeenThere() {
        try (Model model = open("qwen2", 1);
                Session session = model.newSession(F32);
                Session straight = model.newSession(F32)) {
            int[] prompt = prompt(model, 30);
            read(session, prompt);
            read(session, 7, 8, 9, 10);
            session.truncate(30);
            assertThat(session.tokens()).isEqualTo(prompt);
            read(session, 11, 12);
            read(straight, prompt);
            read(straight, 11, 12);
            assertThat(bits(session.logits())).isEqualTo(bits(straight.logits()));
            session.truncate(31);
            // The last token is read again by itself, so only nearly the same.
            float[] again = session.logits();
            straight.truncate(30);
            read(straight, 11);
            assertThat(bits(again)).isEqualTo(bits(straight.logits()));
        }
    }

    @Test
    void aSessionAfterAnAnswerHoldsTheAnswer() {
        try (Model model = open("llama2", 1);
                Session session = model.newSession(F32)) {
            read(session, prompt(model, 10));
            Answer answer = generate(session, options(6));
            assertThat(session.length()).isEqualTo(15);
            int[] tokens = session.tokens();
            for (int i = 0; i < 5; i++) {
                assertThat(tokens[10 + i]).isEqualTo(answer.tokens().get(i));
            }
        }
    }

    @Test
    void readingStopsSoonWhenAskedAndKeepsWhatWasRead() {
        try (Model model = stretched();
                Session session = model.newSession(F32)) {
            Cancellation cancellation = new Cancellation();
            int[] prompt = prompt(model, 1200);
            assertThatThrownBy(() -> session.read(prompt, (done, total) -> cancellation.cancel(), cancellation))
                    .isInstanceOfSatisfying(
                            LecternException.class,
                            e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED));
            int read = session.length();
            assertThat(read).isGreaterThan(0).isLessThan(prompt.length);
            assertThat(session.tokens()).isEqualTo(Arrays.copyOf(prompt, read));
            read(session, Arrays.copyOfRange(prompt, read, prompt.length));
            try (Session straight = model.newSession(F32)) {
                read(straight, prompt);
                assertThat(bits(session.logits())).isEqualTo(bits(straight.logits()));
            }
        }
    }

    @Test
    void whatDoesNotFitIsRefusedBeforeAnythingIsRead() {
        try (Model model = open("llama2", 1);
                Session session = model.newSession(F32.withContext(16))) {
            assertThatThrownBy(() -> read(session, prompt(model, 17)))
                    .isInstanceOfSatisfying(
                            LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.TOO_LONG))
                    .hasMessageContaining("17")
                    .hasMessageContaining("16");
            assertThat(session.length()).isZero();
            read(session, prompt(model, 14));
            assertThat(generate(session, options(100)))
                    .satisfies(answer -> assertThat(answer.tokens()).hasSize(3))
                    .satisfies(answer -> assertThat(answer.finishReason()).isEqualTo(Answer.FinishReason.LENGTH));
            assertThatThrownBy(() -> model.newSession(F32.withContext(model.context() + 1)))
                    .hasMessageContaining("--rope-scaling");
        }
    }

    @Test
    void scoresAreTheLogProbabilitiesOfReadingTokenByToken() {
        try (Model model = open("qwen3", 2)) {
            int[] text = prompt(model, 100);
            Score score;
            try (Session session = model.newSession(F32)) {
                score = session.score(text, Progress.NONE, new Cancellation());
            }
            assertThat(score.logProbs()[0]).isNaN();
            try (Session session = model.newSession(F32)) {
                for (int i = 0; i + 1 < text.length; i++) {
                    read(session, text[i]);
                    float[] logits = session.logits();
                    double sum = 0;
                    for (float x : logits) {
                        sum += Math.exp(x);
                    }
                    assertThat(score.logProbs()[i + 1])
                            .isCloseTo(
                                    logits[text[i + 1]] - Math.log(sum), org.assertj.core.api.Assertions.within(1e-4));
                }
            }
        }
    }

    /** A tiny model with a context of thousands of tokens. */
    private static Model stretched() {
        return Model.open(
                TINY.resolve("mqa"), ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=64"));
    }

    @Test
    void aSessionThatCannotFitIsRefusedWithBothNumbers() {
        try (Model model = open("llama3", 1)) {
            Estimate estimate = model.estimate(F32, 1);
            assertThat(estimate.fits()).isTrue();
            assertThat(estimate.kv()).isGreaterThan(0);
        }
        assertThatThrownBy(() -> {
                    try (Model model = Model.open(
                            TINY.resolve("llama2"), ModelOptions.DEFAULT.withRopeScaling("linear:factor=1000000"))) {
                        model.newSession(F32).close();
                    }
                })
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NO_MEMORY));
    }

    private static Model stretched(String name) {
        return Model.open(
                TINY.resolve(name), ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=16"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama2", "qwen2", "mistral-window", "llama2-q4_0.gguf"})
    void severalSessionsInOneStepGoOnAsIfAlone(String name) {
        try (Model model = open(name, 2)) {
            List<Session> together = new ArrayList<>();
            int[] tokens = {7, 9, 7, 30};
            for (int i = 0; i < tokens.length; i++) {
                Session session = model.newSession(F32);
                read(session, prompt(model, 20 + 7 * i));
                together.add(session);
            }
            List<Session> alone = together.stream().map(Session::fork).toList();
            for (int step = 0; step < 3; step++) {
                model.step(together, tokens, new Cancellation());
                for (int i = 0; i < tokens.length; i++) {
                    read(alone.get(i), tokens[i]);
                    assertThat(bits(together.get(i).logits()))
                            .isEqualTo(bits(alone.get(i).logits()));
                    assertThat(together.get(i).tokens()).isEqualTo(alone.get(i).tokens());
                }
            }
            together.forEach(Session::close);
            alone.forEach(Session::close);
        }
    }

    @Test
    void sessionsInOneStepAttendEachByItsOwnMethodAsIfAlone() {
        List<String> methods = List.of(
                "pps:budget=30%:sinks=2:window=8",
                "dense",
                "topk:budget=20%:sinks=2:window=8",
                "pps:budget=30%:sinks=2:window=8",
                "quest:budget=30%:sinks=2:window=8",
                "dense");
        ModelOptions stretched = ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=8");
        try (Model model = Model.open(TINY.resolve("qwen2"), stretched);
                Session text = model.newSession(F32)) {
            read(text, prompt(model, 400));
            List<Session> together = methods.stream().map(text::fork).toList();
            List<Session> alone = methods.stream().map(text::fork).toList();
            List<Traffic> looked = new ArrayList<>(Collections.nCopies(methods.size(), Traffic.NONE));
            int[] tokens = {7, 9, 7, 30, 8, 7};
            for (int i = 0; i < tokens.length; i++) {
                int place = i;
                together.get(i).observe(new AttentionObserver() {
                    @Override
                    public void looked(int layer, Traffic traffic) {
                        looked.set(place, looked.get(place).plus(traffic));
                    }
                });
            }
            for (int step = 0; step < 3; step++) {
                model.step(together, tokens, new Cancellation());
            }
            List<Answer> answers = model.generate(
                    together,
                    GenerateOptions.DEFAULT.withMaxTokens(4).withIgnoreEnd(true),
                    (answer, token, said) -> {},
                    new Cancellation());
            List<Traffic> told = List.copyOf(looked);
            for (int i = 0; i < tokens.length; i++) {
                Traffic before = model.traffic();
                for (int step = 0; step < 3; step++) {
                    read(alone.get(i), tokens[i]);
                }
                Answer answer = alone.get(i)
                        .generate(
                                GenerateOptions.DEFAULT.withMaxTokens(4).withIgnoreEnd(true),
                                (number, token, said) -> {},
                                new Cancellation());
                assertThat(told.get(i))
                        .as(methods.get(i))
                        .isEqualTo(model.traffic().since(before));
                assertThat(answers.get(i).tokens()).as(methods.get(i)).isEqualTo(answer.tokens());
                assertThat(bits(together.get(i).logits()))
                        .as(methods.get(i))
                        .isEqualTo(bits(alone.get(i).logits()));
            }
            assertThat(told.get(0).rows()).isLessThan(told.get(1).rows() / 2);
            together.forEach(Session::close);
            alone.forEach(Session::close);
        }
    }

    @Test
    void aStepThatOneSessionRefusesLeavesAllAsTheyWere() {
        try (Model model = open("llama2", 1);
                Session roomy = model.newSession(F32);
                Session full = model.newSession(F32.withContext(5))) {
            read(roomy, 1, 2, 3);
            read(full, 1, 2, 3, 4, 5);
            int[] before = bits(roomy.logits());
            Cancellation cancellation = new Cancellation();
            assertThatThrownBy(() -> model.step(List.of(roomy, full), new int[] {6, 6}, cancellation))
                    .hasMessageContaining("6 tokens")
                    .hasMessageContaining("holds 5");
            assertThatThrownBy(() -> model.step(List.of(roomy), new int[] {-1}, cancellation))
                    .hasMessageContaining("Token -1");
            assertThatThrownBy(() -> model.step(List.of(roomy, roomy), new int[] {1, 2}, cancellation))
                    .isInstanceOf(IllegalArgumentException.class);
            cancellation.cancel();
            assertThatThrownBy(() -> model.step(List.of(roomy), new int[] {6}, cancellation))
                    .isInstanceOf(LecternException.class);
            assertThat(roomy.tokens()).containsExactly(1, 2, 3);
            assertThat(bits(roomy.logits())).isEqualTo(before);
        }
    }

    @Test
    void aRepeatedSessionIsAsLongAndAsLargeAsOneThatRead() {
        try (Model model = stretched("llama2");
                Session repeated = model.newSession(F32);
                Session read = model.newSession(F32)) {
            int[] prompt = prompt(model, 600);
            read(repeated, prompt);
            int[] longer = Arrays.copyOf(prompt, 1100);
            for (int i = 512; i < longer.length; i++) {
                longer[i] = prompt[i % 512];
            }
            read(read, longer);
            List<Long> reports = new ArrayList<>();
            repeated.repeat(1100, (done, total) -> reports.add(done), new Cancellation());
            assertThat(repeated.length()).isEqualTo(1100);
            assertThat(repeated.tokens()).isEqualTo(longer);
            assertThat(repeated.bytes()).isEqualTo(read.bytes());
            assertThat(reports).containsExactly(256L, 512L, 588L);
            assertThat(repeated.logits()).hasSize(model.vocabulary());
            read(repeated, 5);
            assertThat(repeated.length()).isEqualTo(1101);
        }
    }

    @Test
    void repeatingLeavesWhatWasReadAsItWas() {
        try (Model model = stretched("llama2");
                Session repeated = model.newSession(F32);
                Session untouched = model.newSession(F32)) {
            int[] prompt = prompt(model, 256);
            read(repeated, prompt);
            read(untouched, prompt);
            repeated.repeat(900, Progress.NONE, new Cancellation());
            read(repeated, 1, 2, 3);
            repeated.truncate(256);
            read(repeated, 8, 9);
            read(untouched, 8, 9);
            assertThat(bits(repeated.logits())).isEqualTo(bits(untouched.logits()));
        }
    }

    @Test
    void repeatingNeedsAPageAndRoom() {
        try (Model model = stretched("llama2");
                Session session = model.newSession(F32.withContext(700))) {
            read(session, prompt(model, 200));
            assertThatThrownBy(() -> session.repeat(400, Progress.NONE, new Cancellation()))
                    .isInstanceOf(IllegalArgumentException.class);
            read(session, prompt(model, 100));
            assertThatThrownBy(() -> session.repeat(200, Progress.NONE, new Cancellation()))
                    .isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> session.repeat(701, Progress.NONE, new Cancellation()))
                    .hasMessageContaining("701")
                    .hasMessageContaining("holds 700");
            Cancellation cancellation = new Cancellation();
            cancellation.cancel();
            assertThatThrownBy(() -> session.repeat(700, Progress.NONE, cancellation))
                    .isInstanceOf(LecternException.class);
            assertThat(session.length()).isEqualTo(256);
        }
    }
}
