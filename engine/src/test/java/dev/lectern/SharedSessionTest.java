package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.attention.Calibrated;
import dev.lectern.comm.InProcess;
import dev.lectern.weights.SafetensorsWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Sessions that several hosts share, as a program uses them. */
class SharedSessionTest {
    private static final int[] TEXT = new Random(8).ints(900, 0, 250).toArray();
    private static final int[] ASKED = {3, 1, 4, 1, 5};
    private static final Model MODEL = Model.open(
            Path.of("src/test/resources/tiny/qwen2"),
            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=8"));
    private static final SessionOptions OPTIONS =
            SessionOptions.DEFAULT.withContext(1000).withKv("f32");
    private static final GenerateOptions EIGHT = GenerateOptions.DEFAULT.withMaxTokens(8);

    @AfterAll
    static void close() {
        MODEL.close();
    }

    private static List<Answer> answers(Session session, int n) {
        session.read(TEXT, Progress.NONE, new Cancellation());
        session.read(ASKED, Progress.NONE, new Cancellation());
        return session.generate(n, EIGHT, (answer, token, text) -> {}, new Cancellation());
    }

    private static List<List<List<Integer>>> shared(int hosts, SessionOptions options, int n) {
        return InProcess.run(hosts, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(options, communicator)) {
                List<Answer> answers = answers(session, n);
                assertThat(session.length())
                        .isEqualTo(TEXT.length
                                + ASKED.length
                                + answers.getFirst().tokens().size()
                                - 1);
                // A host looks at all that it has, however much others have.
                assertThat(own.traffic().density()).isEqualTo(1);
                return answers.stream().map(Answer::tokens).toList();
            }
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"ring", "ulysses", "apb:question=apart:anchor=0:passing=100000:compressor=recent"})
    void answersAreThoseOfOneHost(String prefill) {
        List<List<Integer>> expected;
        try (Session session = MODEL.newSession(OPTIONS)) {
            expected = answers(session, 2).stream().map(Answer::tokens).toList();
        }
        for (List<List<Integer>> ofHost : shared(2, OPTIONS.withPrefill(prefill), 2)) {
            assertThat(ofHost).isEqualTo(expected);
        }
    }

    @Test
    void aSessionGoesBackWithinWhatFollowedTheText() {
        InProcess.run(3, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(OPTIONS.withPrefill("ring"), communicator)) {
                session.read(TEXT, Progress.NONE, new Cancellation());
                float[] before = session.logits();
                session.read(ASKED, Progress.NONE, new Cancellation());
                float[] after = session.logits();
                session.truncate(TEXT.length + 2);
                session.read(Arrays.copyOfRange(ASKED, 2, ASKED.length), Progress.NONE, new Cancellation());
                float[] again = session.logits();
                for (int i = 0; i < after.length; i++) {
                    assertThat(again[i]).isCloseTo(after[i], within(1e-4f));
                }
                assertThat(before).isNotEqualTo(after);
                session.truncate(TEXT.length);
                assertThat(session.logits()).isEqualTo(before);
                assertThatThrownBy(() -> session.truncate(10)).hasMessageContaining("several hosts share them");
                return 0;
            }
        });
    }

    /** Only the last host closes pages of what follows a text, and all take its steps. */
    @ParameterizedTest
    @ValueSource(strings = {"int8:window=0", "chl-4", "kivi-4:group=16"})
    void aLongQuestionIsReadInStepsOfAll(String kv) {
        SessionOptions options = OPTIONS.withPrefill("ring").withKv(kv);
        List<List<Integer>> answers = InProcess.run(3, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(options, communicator)) {
                session.read(Arrays.copyOf(TEXT, 250), Progress.NONE, new Cancellation());
                session.read(Arrays.copyOf(TEXT, 700), Progress.NONE, new Cancellation());
                return session.generate(EIGHT, (answer, token, text) -> {}, new Cancellation())
                        .tokens();
            }
        });
        assertThat(answers).containsOnly(answers.getFirst());
    }

    /** The last host's page may be closed, so that it goes back further than the others would. */
    @ParameterizedTest
    @ValueSource(strings = {"f32", "int8:window=0"})
    void aSessionGoesBackIntoAClosedPage(String kv) {
        int[] more = new Random(9).ints(700, 0, 250).toArray();
        SessionOptions options = OPTIONS.withPrefill("ring").withKv(kv);
        InProcess.run(2, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(options, communicator)) {
                session.read(Arrays.copyOf(TEXT, 250), Progress.NONE, new Cancellation());
                session.read(more, Progress.NONE, new Cancellation());
                float[] after = session.logits();
                session.truncate(250 + 300);
                assertThat(session.length()).isEqualTo(250 + 300);
                session.read(Arrays.copyOfRange(more, 300, more.length), Progress.NONE, new Cancellation());
                float[] again = session.logits();
                double most = 0, scale = 0;
                for (int i = 0; i < after.length; i++) {
                    most = Math.max(most, Math.abs(after[i] - again[i]));
                    scale = Math.max(scale, Math.abs(after[i]));
                }
                assertThat(most / scale).isLessThan(kv.equals("f32") ? 1e-4 : .5);
                return 0;
            }
        });
    }

    @Test
    void whatCannotBeSharedIsASentence() {
        assertThatThrownBy(() -> shared(2, OPTIONS, 1))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("--prefill full reads on one host, and there are 2");
        assertThatThrownBy(() -> shared(2, OPTIONS.withPrefill("ring").withKeep("snapkv"), 1))
                .hasMessageContaining("leave the option out");
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    SessionOptions other = OPTIONS.withPrefill(communicator.rank() == 0 ? "ring" : "ulysses");
                    try (Model own = MODEL.sibling(1);
                            Session session = own.newSession(other, communicator)) {
                        return session.length();
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("Rank 1 has another model, other options");
    }

    @Test
    void whatNeedsAllTokensInOnePlaceIsASentence() {
        InProcess.run(2, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(OPTIONS.withPrefill("ring"), communicator)) {
                assertThatThrownBy(() -> session.fork("dense", "snapkv")).hasMessageContaining("leave the option out");
                assertThatThrownBy(() -> session.observe(new AttentionObserver() {}))
                        .isInstanceOf(LecternException.class)
                        .hasMessageContaining("several share this session");
                session.observe(null);
                return 0;
            }
        });
    }

    /** Of what follows a text every method reads as much as it is let, and loses nothing that was there. */
    @Test
    void whatFollowsATextCanBeStopped() {
        SessionOptions options = OPTIONS.withKv("int8:window=0").withPrefill("apb:question=apart:compressor=recent");
        int[] text = Arrays.copyOf(TEXT, 300), more = Arrays.copyOf(TEXT, 700);
        try (Session session = MODEL.newSession(options)) {
            session.read(text, Progress.NONE, new Cancellation());
            Cancellation stop = new Cancellation();
            assertThatThrownBy(() -> session.read(more, (done, all) -> stop.cancel(), stop))
                    .isInstanceOf(LecternException.class);
            int length = session.length();
            assertThat(length).isGreaterThan(text.length).isLessThan(text.length + more.length);
            session.read(
                    Arrays.copyOfRange(more, length - text.length, more.length), Progress.NONE, new Cancellation());
            assertThat(session.length()).isEqualTo(text.length + more.length);
        }
    }

    /** As where a host has another tokenizer or template. */
    @Test
    void hostsThatReadOtherTokensAreASentence() {
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    try (Model own = MODEL.sibling(1);
                            Session session = own.newSession(OPTIONS.withPrefill("ring"), communicator)) {
                        int[] text = TEXT.clone();
                        text[700] += communicator.rank();
                        session.read(text, Progress.NONE, new Cancellation());
                        return session.length();
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("Rank 1 reads other tokens than rank 0");
    }

    @Test
    void aTextHasAsManyBlocksAsThereAreHosts() {
        List<String> names = InProcess.run(2, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(OPTIONS.withPrefill("star"), communicator)) {
                return session.methods().get("prefill");
            }
        });
        assertThat(names).containsOnly("star:hosts=2");
        assertThatThrownBy(() -> shared(2, OPTIONS.withPrefill("apb:hosts=8"), 1))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("hosts is 8, but there are 2: leave it out");
    }

    @Test
    void siblingsDoNotDisturbEachOther() {
        int[] text = Arrays.copyOf(TEXT, 300);
        List<float[]> logits = InProcess.run(3, new Cancellation(), communicator -> {
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(OPTIONS)) {
                session.read(text, Progress.NONE, new Cancellation());
                return session.logits();
            }
        });
        assertThat(Arrays.equals(logits.get(0), logits.get(1))).isTrue();
        assertThat(Arrays.equals(logits.get(0), logits.get(2))).isTrue();
    }

    @Test
    void ranksThatAreToAnswerOtherwiseAreTold() {
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    try (Model own = MODEL.sibling(1);
                            Session session = own.newSession(OPTIONS.withPrefill("ring"), communicator)) {
                        session.read(TEXT, Progress.NONE, new Cancellation());
                        GenerateOptions options = EIGHT.withSampling(Sampling.GREEDY.withSeed(communicator.rank()));
                        return session.generate(options, (answer, token, text) -> {}, new Cancellation());
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("Rank 1 is to answer with other options than rank 0");
    }

    @Test
    void positionsThatAreStretchedOtherwiseAreASentence() {
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    ModelOptions stretched = ModelOptions.DEFAULT
                            .withThreads(1)
                            .withRopeScaling("linear:factor=" + (8 + communicator.rank()));
                    try (Model own = Model.open(MODEL.path(), stretched);
                            Session session = own.newSession(OPTIONS.withPrefill("ring"), communicator)) {
                        return session.length();
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("Rank 1 has another model, other options");
    }

    /** What is in a host's folder of what was learned of a model. */
    private static ModelOptions withLearned(Path folder, float number) throws IOException {
        Files.createDirectories(folder);
        Path file = Calibrated.file(folder, MODEL.path(), MODEL.digest(), "loki");
        new SafetensorsWriter()
                .member(
                        "__metadata__",
                        "{\"format\":\"" + Calibrated.FORMAT + "\",\"method\":\"loki\",\"weights\":\"" + MODEL.digest()
                                + "\"}")
                .floats("layers.0.axes", new float[] {number}, 1)
                .write(file);
        return ModelOptions.DEFAULT
                .withThreads(1)
                .withRopeScaling("linear:factor=8")
                .withCalibrations(folder);
    }

    @Test
    void hostsThatHaveLearnedOtherwiseAreASentence(@TempDir Path folder) throws IOException {
        List<ModelOptions> learned =
                List.of(withLearned(folder.resolve("one"), 1), withLearned(folder.resolve("other"), 2));
        SessionOptions options = OPTIONS.withPrefill("ring").withAttention("loki:calibrated=yes");
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    try (Model own = Model.open(MODEL.path(), learned.get(communicator.rank()));
                            Session session = own.newSession(options, communicator)) {
                        return session.length();
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("Rank 1 has learned something else of the model than rank 0");
    }

    /** Whoever leaves it out then goes on together. */
    @Test
    void whatOneHostLacksAllAreTold(@TempDir Path folder) throws IOException {
        ModelOptions learned = withLearned(folder, 1);
        SessionOptions options = OPTIONS.withPrefill("ring").withAttention("loki:calibrated=yes");
        List<String> sentences = InProcess.run(3, new Cancellation(), communicator -> {
            ModelOptions mine = communicator.rank() == 1 ? learned.withCalibrations(folder.resolve("none")) : learned;
            try (Model own = Model.open(MODEL.path(), mine)) {
                String sentence = "";
                try (Session session = own.newSession(options, communicator)) {
                    sentence = "opened " + session.length();
                } catch (LecternException e) {
                    sentence = e.kind() + " " + e.getMessage();
                }
                communicator.barrier();
                return sentence;
            }
        });
        assertThat(sentences)
                .allSatisfy(sentence -> assertThat(sentence)
                        .startsWith(LecternException.Kind.NOT_FOUND.name())
                        .contains("loki:calibrated=yes: there is no "));
        assertThat(sentences.getFirst()).contains("Rank 1: ");
    }

    @Test
    void aPartThatFitsNoArrayIsASentence() {
        assertThatThrownBy(() -> InProcess.run(2, new Cancellation(), communicator -> {
                    ModelOptions stretched =
                            ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=1000000");
                    SessionOptions options = OPTIONS.withPrefill("ring").withContext(100_000_000);
                    try (Model own = Model.open(MODEL.path(), stretched);
                            Session session = own.newSession(options, communicator)) {
                        return session.length();
                    }
                }))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("use more hosts or a shorter text");
    }

    /** What a host is told when it opens a session for a text, reads it as far as it was not kept, and asks. */
    private record Asked(Recall recall, Kept kept, float[] logits, List<Integer> answer) {}

    /** @param folders of the hosts */
    private static List<Asked> asked(List<Path> folders, SessionOptions options, int[] text, long mostBytes) {
        return InProcess.run(folders.size(), new Cancellation(), communicator -> {
            KeptReadings kept = new KeptReadings(folders.get(communicator.rank()), mostBytes);
            try (Model own = MODEL.sibling(1);
                    Session session = own.newSession(options, text, kept, communicator)) {
                Recall recall = session.recalled();
                Kept left = session.readRest(Progress.NONE, new Cancellation());
                assertThat(session.length()).isEqualTo(text.length);
                assertThat(session.tokens()).isEqualTo(text);
                float[] logits = session.logits();
                session.read(ASKED, Progress.NONE, new Cancellation());
                List<Integer> answer = session.generate(EIGHT, (a, token, of) -> {}, new Cancellation())
                        .tokens();
                session.truncate(text.length);
                assertThat(session.logits()).isEqualTo(logits);
                return new Asked(recall, left, logits, answer);
            }
        });
    }

    private static List<Asked> asked(List<Path> folders, SessionOptions options, int[] text) {
        return asked(folders, options, text, KeptReadings.DEFAULT_BYTES);
    }

    private static List<Path> folders(Path in, int hosts) {
        return IntStream.range(0, hosts)
                .mapToObj(host -> in.resolve("host" + host))
                .toList();
    }

    private static void assertSame(List<Asked> again, List<Asked> before, Recall.Outcome outcome) {
        for (int host = 0; host < again.size(); host++) {
            assertThat(again.get(host).recall.outcome()).isEqualTo(outcome);
            assertThat(Arrays.equals(again.get(host).logits, before.get(host).logits))
                    .isTrue();
            assertThat(again.get(host).answer).isEqualTo(before.get(host).answer);
        }
    }

    @ParameterizedTest
    @CsvSource({
        "2, 900, ring, f32, dense",
        "3, 900, ring, int8:window=0, dense",
        "3, 900, ring:layout=contiguous, chl-4, pps",
        "3, 200, ring, f16, dense",
        "2, 900, ulysses, kivi-4:group=16, dense",
        "2, 900, star, chl-4, quest",
        "3, 900, apb:anchor=64:passing=32, int8, dense",
        "3, 300, apb:question=apart:anchor=64:passing=32, hf-int4:group=16, dense",
        "2, 900, ring, int8, magicpig:dense=none",
    })
    void whatHostsHaveReadIsKeptByEach(
            int hosts, int length, String prefill, String kv, String attention, @TempDir Path folder) {
        int[] text = Arrays.copyOf(TEXT, length);
        SessionOptions options = OPTIONS.withPrefill(prefill)
                .withKv(kv)
                .withAttention(attention)
                .withQuestion(Optional.of(new Question(ASKED, 2)));
        List<Path> folders = folders(folder, hosts);
        List<Asked> first = asked(folders, options, text), second = asked(folders, options, text);
        assertSame(first, first, Recall.Outcome.MISS);
        for (Asked host : second) {
            assertThat(host.recall.tokens()).isEqualTo(length);
            assertThat(host.kept.bytes()).isZero();
        }
        if (!attention.startsWith("magicpig")) {
            assertSame(second, first, Recall.Outcome.HIT);
        }
        for (Path file : files(folders.get(1))) {
            file.toFile().delete();
        }
        List<Asked> third = asked(folders, options, text);
        assertSame(third, first, Recall.Outcome.MISS);
        assertThat(third)
                .allSatisfy(host -> assertThat(host.recall.why()).startsWith("rank 1: it was not kept before"));
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            return all.filter(Files::isRegularFile).toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void anotherTextOrDivisionOfItIsAnotherReading(@TempDir Path folder) {
        SessionOptions options = OPTIONS.withPrefill("ring:layout=contiguous");
        asked(folders(folder, 2), options, TEXT);
        int[] other = TEXT.clone();
        other[899]++;
        for (Asked host : asked(folders(folder, 2), options, other)) {
            assertThat(host.recall.outcome()).isEqualTo(Recall.Outcome.MISS);
        }
        for (Asked host : asked(folders(folder, 3), options, TEXT)) {
            assertThat(host.recall.outcome()).isEqualTo(Recall.Outcome.MISS);
        }
        for (Asked host : asked(folders(folder, 2), options, TEXT)) {
            assertThat(host.recall.outcome()).isEqualTo(Recall.Outcome.HIT);
        }
    }

    @Test
    void aHostThatCannotKeepItsPartIsToldToAll(@TempDir Path folder) throws IOException {
        List<Path> folders = folders(folder, 2);
        Files.writeString(folders.get(1), "no folder");
        for (Asked host : asked(folders, OPTIONS.withPrefill("ring"), TEXT)) {
            assertThat(host.kept.failure())
                    .hasValueSatisfying(failure -> assertThat(failure)
                            .hasMessageStartingWith("Rank 1: ")
                            .hasMessageContaining("host1"));
        }
    }
}
