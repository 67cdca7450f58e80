package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.logging.Level;
import java.util.logging.Logger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What methods of attention keep of a text lives on the disk with it, and answers are the same, bit for bit. */
class KeptIndexesTest {
    private static final String MAGICPIG = "magicpig:dense=none:k=4:l=20";
    private static final List<String> METHODS = List.of(
            "quest:budget=64",
            "loki:budget=64",
            "pps:budget=64",
            "pps:budget=64:bits=2",
            MAGICPIG,
            "magicpig:dense=1:k=3:l=12:projection=head:append=100");
    private static final GenerateOptions GREEDY =
            GenerateOptions.DEFAULT.withMaxTokens(5).withIgnoreEnd(true);
    private static final Cancellation NEVER = new Cancellation();

    /** Told of every file that is damaged on purpose; held, since loggers are forgotten. */
    private static final Logger LOG = Logger.getLogger("dev.lectern.kept");

    private static Model model;

    @TempDir
    Path folder;

    @BeforeAll
    static void open() {
        LOG.setLevel(Level.OFF);
        model = Model.open(
                Path.of("src/test/resources/tiny/llama3"),
                ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=32"));
    }

    @AfterAll
    static void close() {
        model.close();
        LOG.setLevel(null);
    }

    private KeptReadings kept() {
        return new KeptReadings(folder.resolve("kv"), KeptReadings.DEFAULT_BYTES);
    }

    private static int[] text(int n) {
        return new Random(5).ints(n, 0, 250).toArray();
    }

    private static SessionOptions options(String method, String kv) {
        return SessionOptions.DEFAULT.withContext(3000).withKv(kv).withAttention(method);
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(x[i]));
        return bits;
    }

    /** What a session says after a question: tokens, and the bits of logits. */
    private static List<int[]> future(Session session) {
        List<int[]> future = new ArrayList<>();
        try (Session fork = session.fork()) {
            fork.read(new int[] {7, 8, 9, 10, 11}, Progress.NONE, NEVER);
            future.add(fork.generate(GREEDY, TokenListener.NONE, NEVER).tokens().stream()
                    .mapToInt(t -> t)
                    .toArray());
            future.add(bits(fork.logits()));
        }
        return future;
    }

    /** What follows a text that nothing is kept of. */
    private static List<int[]> cold(SessionOptions options, int[] text) {
        try (Session session = model.newSession(options)) {
            session.read(text, Progress.NONE, NEVER);
            session.index(Progress.NONE, NEVER);
            return future(session);
        }
    }

    private record Read(Recall recall, TextIndex index, List<int[]> future, String attention) {}

    private static Read read(SessionOptions options, int[] text, KeptReadings kept) {
        try (Session session = model.newSession(options, text, kept)) {
            session.readRest(Progress.NONE, NEVER);
            TextIndex index = session.index(Progress.NONE, NEVER);
            assertThat(index.failure()).isEmpty();
            List<int[]> future = future(session);
            return new Read(session.recalled(), index, future, session.methods().get("attention"));
        }
    }

    private static void assertSame(List<int[]> actual, List<int[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(Arrays.equals(actual.get(i), expected.get(i)))
                    .as("part %d of what follows", i)
                    .isTrue();
        }
    }

    private List<Path> files(String in) throws IOException {
        Path there = folder.resolve("kv").resolve(in);
        if (!Files.isDirectory(there)) {
            return List.of();
        }
        try (Stream<Path> files = Files.list(there)) {
            return files.sorted().toList();
        }
    }

    private Path index() throws IOException {
        return files("indexes").getFirst();
    }

    private static Stream<String[]> methodsAndFormats() {
        return METHODS.stream()
                .flatMap(method -> Stream.of("f16", "int8", "k=chl-8,v=chl-4", "kivi-2:group=16")
                        .map(kv -> new String[] {method, kv}));
    }

    @ParameterizedTest
    @MethodSource("methodsAndFormats")
    void everyMethodAnswersWithAKeptIndexAsWithItsOwn(String method, String kv) throws IOException {
        SessionOptions options = options(method, kv);
        for (int n : new int[] {700, 1024, 1413}) {
            int[] text = text(n);
            List<int[]> expected = cold(options, text);
            Read first = read(options, text, kept());
            assertThat(first.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
            assertThat(first.index().written()).isEqualTo(Files.size(index())).isPositive();
            assertSame(first.future(), expected);

            Read second = read(options, text, kept());
            assertThat(second.recall().outcome()).isEqualTo(Recall.Outcome.HIT);
            assertThat(second.index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
            assertThat(second.index().bytes()).isEqualTo(first.index().bytes());
            assertThat(second.index().written()).isZero();
            assertThat(second.attention()).isEqualTo(first.attention());
            assertSame(second.future(), expected);

            Files.delete(index());
            Read third = read(options, text, kept());
            assertThat(third.recall().outcome()).isEqualTo(Recall.Outcome.HIT);
            assertThat(third.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
            if (!method.startsWith("magicpig") || kv.equals("f16")) {
                assertSame(third.future(), expected);
            }
            kept().collect(0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "chl-4", "kivi-2:group=16"})
    void tablesOfStoredKeysSayWhatTheyAreAndThoseOfExactOnesAreTakenFirst(String kv) throws IOException {
        int[] text = text(1300);
        SessionOptions dense = options("dense", kv), sampling = options(MAGICPIG, kv);
        read(dense, text, kept());
        Read stored = read(sampling, text, kept());
        assertThat(stored.recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        assertThat(stored.recall().why()).isEqualTo("all of it is kept, with keys in tiles");
        assertThat(stored.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
        assertThat(stored.index().why()).contains("not kept before", "of keys as they are stored");
        assertThat(stored.attention()).endsWith(":keys=stored");
        assertThat(kept().readings().getFirst().indexes().keySet().iterator().next())
                .contains(":keys=stored");
        Read again = read(sampling, text, kept());
        assertThat(again.index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
        assertThat(again.index().why()).contains("of keys as they are stored");
        assertThat(again.attention()).endsWith(":keys=stored");
        assertSame(again.future(), stored.future());

        // One that is to be of stored keys is another, though of the same content.
        Read wanted = read(options(MAGICPIG + ":keys=stored", kv), text, kept());
        assertThat(wanted.index().why()).doesNotContain("as they are stored");
        assertSame(wanted.future(), stored.future());

        kept().collect(0);
        Read exact = read(sampling, text, kept());
        assertThat(exact.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
        assertThat(exact.attention()).doesNotContain("keys=");
        Read loaded = read(sampling, text, kept());
        assertThat(loaded.index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
        assertThat(loaded.attention()).doesNotContain("keys=");
        assertSame(loaded.future(), exact.future());
    }

    @ParameterizedTest
    @ValueSource(strings = {"quest:budget=64", "loki:budget=64", "pps:budget=64", MAGICPIG})
    void aTextThatWasReadForDenseAttentionServesEveryMethod(String method) throws IOException {
        int[] text = text(1413);
        read(options("dense", "f16"), text, kept());
        assertThat(files("indexes")).isEmpty();
        Read first = read(options(method, "f16"), text, kept());
        assertThat(first.recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        assertThat(first.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
        Read second = read(options(method, "f16"), text, kept());
        assertThat(second.index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
        assertSame(second.future(), first.future());
        assertThat(read(options("dense", "f16"), text, kept()).index().outcome())
                .isEqualTo(TextIndex.Outcome.NONE);
    }

    @ParameterizedTest
    @ValueSource(strings = {"int8", "chl-4"})
    void exactKeysAreEstimatedAndFreedWhenTheTablesAreThere(String kv) {
        SessionOptions sampling = options(MAGICPIG, kv), stored = options(MAGICPIG + ":keys=stored", kv);
        long exactKeys = model.estimate(sampling, 1).scratch()
                - model.estimate(stored, 1).scratch();
        int[] text = text(2990);
        try (Session session = model.newSession(sampling);
                Session without = model.newSession(stored);
                Session plain = model.newSession(options(MAGICPIG, "f16"))) {
            for (Session each : List.of(session, without, plain)) {
                each.read(text, Progress.NONE, NEVER);
            }
            assertThat((double) session.indexBytes()).isCloseTo(exactKeys, within(0.01 * exactKeys));
            assertThat(without.indexBytes()).isZero();
            assertThat(plain.indexBytes()).isZero();
            session.index(Progress.NONE, NEVER);
            plain.index(Progress.NONE, NEVER);
            assertThat(session.indexBytes()).isEqualTo(plain.indexBytes()).isPositive();
            assertThat(session.bytes()).isEqualTo(without.bytes());
        }
    }

    @Test
    void otherOptionsAreAnotherIndex() throws IOException {
        int[] text = text(900);
        for (String method : METHODS) {
            for (String more : List.of("", ":window=32", ":sinks=8")) {
                SessionOptions options = options(method + more, "f16");
                Read first = read(options, text, kept());
                assertThat(first.index().outcome()).as(method + more).isEqualTo(TextIndex.Outcome.MADE);
                assertSame(first.future(), cold(options, text));
            }
            assertThat(files("indexes")).hasSize(3);
            // Another method may want its keys elsewhere, which reads the same within rounding.
            kept().remove(kept().readings().getFirst().id());
            assertThat(files("indexes")).isEmpty();
        }
    }

    @Test
    void aShortTextHasNone() throws IOException {
        for (String method : METHODS) {
            Read read = read(options(method, "f16"), text(60), kept());
            assertThat(read.index().outcome()).as(method).isEqualTo(TextIndex.Outcome.NONE);
            assertSame(read.future(), cold(options(method, "f16"), text(60)));
            assertThat(files("indexes")).isEmpty();
            kept().collect(0);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"quest:budget=64", "loki:budget=64", "pps:budget=64", MAGICPIG})
    void everyFlippedBitIsFoundAndNeverAnotherAnswer(String method) throws IOException {
        SessionOptions options = options(method, "f16");
        int[] text = text(700);
        List<int[]> expected = read(options, text, kept()).future();
        long seed = 23;
        Random random = new Random(seed);
        for (int i = 0; i < 60; i++) {
            Path victim = index();
            byte[] all = Files.readAllBytes(victim);
            // Headers are small beside the rest, and get their part.
            int at = random.nextInt(random.nextBoolean() ? Math.min(300, all.length) : all.length);
            all[at] ^= (byte) (1 << random.nextInt(8));
            Files.write(victim, all);
            String where = "seed " + seed + ", round " + i + ", byte " + at;
            if (i % 3 == 0) {
                assertThat(kept().verify(Progress.NONE, NEVER)).as(where).hasSize(1);
                assertThat(victim).doesNotExist();
            }
            Read again = read(options, text, kept());
            assertThat(again.index().outcome()).as(where).isEqualTo(TextIndex.Outcome.MADE);
            assertThat(again.index().why())
                    .as(where)
                    .isEqualTo(
                            i % 3 == 0 ? "it was not kept before, or was evicted" : "what was kept of it was damaged");
            assertSame(again.future(), expected);
            assertThat(read(options, text, kept()).index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
        }
    }

    @Test
    void aFileThatIsCutOrAnothersOrALinkIsMadeAgain() throws IOException {
        SessionOptions options = options(MAGICPIG, "f16");
        int[] text = text(700), other = text(800);
        read(options, other, kept());
        Path others = index();
        List<int[]> expected = read(options, text, kept()).future();
        for (int round = 0; round < 4; round++) {
            Path own = files("indexes").stream()
                    .filter(file -> !file.equals(others))
                    .findFirst()
                    .orElseThrow();
            byte[] all = Files.readAllBytes(own);
            switch (round) {
                case 0 -> Files.write(own, Arrays.copyOf(all, all.length - 1));
                case 1 -> Files.write(own, Arrays.copyOf(all, all.length + 64));
                case 2 -> Files.write(own, new byte[0]);
                default -> Files.write(own, Files.readAllBytes(others));
            }
            Read again = read(options, text, kept());
            assertThat(again.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);
            assertThat(again.index().why()).isEqualTo("what was kept of it was damaged");
            assertSame(again.future(), expected);
        }
        assertThat(read(options, other, kept()).index().outcome()).isEqualTo(TextIndex.Outcome.LOADED);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void indexesAreForTheirOwnerAloneAndLeaveWithTheirReading() throws IOException {
        SessionOptions options = options(MAGICPIG, "f16");
        read(options, text(700), kept());
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(index())))
                .isEqualTo("rw-------");
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder.resolve("kv/indexes"))))
                .isEqualTo("rwx------");
        KeptReading reading = kept().readings().getFirst();
        assertThat(reading.indexes()).hasSize(1).containsValue(Files.size(index()));
        long before = kept().bytes();
        assertThat(reading.bytes()).isEqualTo(before);
        assertThat(kept().remove(reading.id())).isEqualTo(before);
        assertThat(kept().bytes()).isZero();
    }

    @Test
    void anIndexIsEvictedBeforeItsText() throws IOException {
        SessionOptions options = options(MAGICPIG, "f16");
        int[] text = text(1300);
        read(options, text, kept());
        long all = kept().bytes(), index = Files.size(index());
        assertThat(kept().collect(all - 1).left()).isEqualTo(all - index);
        assertThat(files("indexes")).isEmpty();
        Read again = read(options, text, kept());
        assertThat(again.recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        assertThat(again.index().outcome()).isEqualTo(TextIndex.Outcome.MADE);

        // Room for the text, but not for its index: it is as good as before, and says why it is not kept.
        kept().collect(0);
        long room = (all - index) * 17 / 16 + 1000;
        KeptReadings small = new KeptReadings(folder.resolve("kv"), room);
        try (Session session = model.newSession(options, text, small)) {
            assertThat(session.readRest(Progress.NONE, NEVER).failure()).isEmpty();
            TextIndex made = session.index(Progress.NONE, NEVER);
            assertThat(made.outcome()).isEqualTo(TextIndex.Outcome.MADE);
            assertThat(made.failure()).isPresent();
            assertThat(made.failure().get().kind()).isEqualTo(LecternException.Kind.NO_SPACE);
            assertSame(future(session), again.future());
        }
        try (Session session = model.newSession(options, text, small)) {
            assertThat(session.recalled().outcome()).isEqualTo(Recall.Outcome.HIT);
            session.readRest(Progress.NONE, NEVER);
            // There is no more room than before, and that is told again.
            assertThat(session.index(Progress.NONE, NEVER).failure()).isPresent();
        }
        assertThat(small.bytes()).isLessThanOrEqualTo(room);
    }

    @Test
    void whatIsReadBehindTheTextIsNotKeptAsItsIndex() throws IOException {
        SessionOptions options = options(MAGICPIG, "f16");
        int[] text = text(700);
        try (Session session = model.newSession(options, text, kept())) {
            session.readRest(Progress.NONE, NEVER);
            session.read(new int[] {1, 2, 3}, Progress.NONE, NEVER);
            TextIndex index = session.index(Progress.NONE, NEVER);
            assertThat(index.outcome()).isEqualTo(TextIndex.Outcome.MADE);
            assertThat(index.written()).isZero();
        }
        assertThat(files("indexes")).isEmpty();
    }

    @Test
    void anIndexThatIsCancelledIsMadeAnotherTime() {
        SessionOptions options = options(MAGICPIG, "f16");
        int[] text = text(700);
        List<int[]> expected = cold(options, text);
        try (Session session = model.newSession(options, text, kept())) {
            session.readRest(Progress.NONE, NEVER);
            Cancellation cancellation = new Cancellation();
            try {
                session.index((done, total) -> cancellation.cancel(), cancellation);
                throw new AssertionError("it was not cancelled");
            } catch (LecternException e) {
                assertThat(e.kind()).isEqualTo(LecternException.Kind.CANCELLED);
            }
            session.index(Progress.NONE, NEVER);
            assertSame(future(session), expected);
        }
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void anIndexThatIsCutWhileItIsUsedIsASentence() throws IOException {
        SessionOptions options = options(MAGICPIG, "f16");
        int[] text = text(1100);
        List<int[]> expected = read(options, text, kept()).future();
        try (Session session = model.newSession(options, text, kept())) {
            session.readRest(Progress.NONE, NEVER);
            assertThat(session.index(Progress.NONE, NEVER).outcome()).isEqualTo(TextIndex.Outcome.LOADED);
            try (var channel = java.nio.channels.FileChannel.open(index(), java.nio.file.StandardOpenOption.WRITE)) {
                channel.truncate(100);
            }
            try {
                session.read(text(20), Progress.NONE, NEVER);
                throw new AssertionError("nobody has seen that it was cut");
            } catch (LecternException e) {
                assertThat(e).hasMessageContaining("was cut while it was used");
            }
        }
        assertSame(read(options, text, kept()).future(), expected);
    }

    /** Of the queries' window on the disk depends what stays. */
    @ParameterizedTest
    @CsvSource({"f16, 700", "f16, 1024", "chl-4, 1413", "chl-4, 1026", "f16, 1030", "int8, 64", "f16, 520"})
    void whatTheLastQueriesSayIsKeptWithTheText(String kv, int n) throws IOException {
        SessionOptions options = options("dense", kv).withKeep("snapkv:budget=50");
        int[] text = text(n);
        List<int[]> expected;
        try (Session session = model.newSession(options)) {
            session.read(text, Progress.NONE, NEVER);
            session.evict(NEVER);
            expected = future(session);
        }
        read(options("dense", kv), Arrays.copyOf(text, n - 1), kept());
        for (Recall.Outcome outcome : List.of(Recall.Outcome.PARTIAL, Recall.Outcome.HIT)) {
            try (Session session = model.newSession(options, text, kept())) {
                if (outcome == Recall.Outcome.HIT) {
                    assertThat(session.recalled().outcome()).isEqualTo(outcome);
                }
                session.readRest(Progress.NONE, NEVER);
                session.evict(NEVER);
                assertSame(future(session), expected);
            }
        }
    }
}
