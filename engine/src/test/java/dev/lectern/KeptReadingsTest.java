package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.lectern.kernel.Kernels;
import dev.lectern.kv.KvFormats;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
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
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A text that was kept is as if it had been read, bit for bit, or is read again. */
class KeptReadingsTest {
    private static final String STRETCHED = "linear:factor=32";
    private static final SessionOptions F16 =
            SessionOptions.DEFAULT.withContext(3000).withKv("f16");
    private static final GenerateOptions GREEDY =
            GenerateOptions.DEFAULT.withMaxTokens(5).withIgnoreEnd(true);

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
                ModelOptions.DEFAULT.withThreads(2).withRopeScaling(STRETCHED));
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

    private static Set<String> formats() {
        return KvFormats.names();
    }

    /** The tiny heads have 16 channels, fewer than the groups of some formats are by default. */
    private static SessionOptions options(String kv) {
        String fitting = kv.startsWith("hf-") || kv.startsWith("kivi-") ? kv + ":group=16" : kv;
        return F16.withKv(fitting);
    }

    private static int[] bits(float[] x) {
        int[] bits = new int[x.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(x[i]));
        return bits;
    }

    /** What a session would say next, now and after a question. */
    private static List<int[]> future(Session session) {
        List<int[]> future = new ArrayList<>();
        future.add(bits(session.logits()));
        try (Session fork = session.fork()) {
            fork.read(new int[] {7, 8, 9, 10, 11}, Progress.NONE, new Cancellation());
            future.add(bits(fork.logits()));
            future.add(fork.generate(GREEDY, TokenListener.NONE, new Cancellation()).tokens().stream()
                    .mapToInt(t -> t)
                    .toArray());
            future.add(bits(fork.logits()));
        }
        return future;
    }

    private static void assertSame(List<int[]> actual, List<int[]> expected) {
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < actual.size(); i++) {
            assertThat(Arrays.equals(actual.get(i), expected.get(i)))
                    .as("part %d of what follows", i)
                    .isTrue();
        }
    }

    /** What follows a text that nothing is kept of. */
    private static List<int[]> cold(SessionOptions options, int[] text) {
        try (Session session = model.newSession(options)) {
            session.read(text, Progress.NONE, new Cancellation());
            return future(session);
        }
    }

    private record Read(Recall recall, Kept kept, List<int[]> future) {}

    private static Read read(SessionOptions options, int[] text, KeptReadings kept) {
        try (Session session = model.newSession(options, text, kept)) {
            assertThat(session.length()).isEqualTo(session.recalled().tokens());
            Kept written = session.readRest(Progress.NONE, new Cancellation());
            assertThat(Arrays.equals(session.tokens(), text)).isTrue();
            return new Read(session.recalled(), written, future(session));
        }
    }

    /** Reads, and is stopped after so many tokens. */
    private static void stopped(SessionOptions options, int[] text, KeptReadings kept, int after) {
        Cancellation cancellation = new Cancellation();
        try (Session session = model.newSession(options, text, kept)) {
            assertThatThrownBy(() -> session.readRest(
                            (done, total) -> {
                                if (done >= after) {
                                    cancellation.cancel();
                                }
                            },
                            cancellation))
                    .isInstanceOf(LecternException.class);
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

    @ParameterizedTest
    @MethodSource("formats")
    void everyFormatGoesOnFromTheDiskAsIfItHadReadTheText(String kv) {
        SessionOptions options = options(kv);
        for (int n : new int[] {1, 100, 256, 512, 513, 1400}) {
            int[] text = text(n);
            List<int[]> expected = cold(options, text);
            Read first = read(options, text, kept());
            assertThat(first.kept().failure()).isEmpty();
            assertSame(first.future(), expected);
            Read second = read(options, text, kept());
            assertThat(second.recall().outcome()).as("%s, %d tokens", kv, n).isEqualTo(Recall.Outcome.HIT);
            assertThat(second.kept().bytes()).isZero();
            assertSame(second.future(), expected);
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void aReadingThatWasStoppedGoesOnWhereItCan(String kv) {
        SessionOptions options = options(kv);
        int[] text = text(2500);
        stopped(options, text, kept(), 1800);
        Read again = read(options, text, kept());
        if (kv.startsWith("hf-")) {
            assertThat(again.recall().outcome()).isEqualTo(Recall.Outcome.MISS);
        } else {
            assertThat(again.recall().outcome()).as(kv).isEqualTo(Recall.Outcome.PARTIAL);
            assertThat(again.recall().tokens()).as(kv).isBetween(1024, 2048);
        }
        assertSame(again.future(), cold(options, text));
        assertThat(read(options, text, kept()).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
    }

    @Test
    void textsShareWhatTheyBeginWith() throws IOException {
        int[] text = text(1400), longer = text(2000), other = text(1400);
        other[1100]++;
        read(F16, text, kept());
        int pages = files("pages").size();
        assertThat(pages).isEqualTo(5);

        Read more = read(F16, longer, kept());
        assertThat(more.recall().outcome()).isEqualTo(Recall.Outcome.PARTIAL);
        assertThat(more.recall().tokens()).isEqualTo(1024);
        assertSame(more.future(), cold(F16, longer));
        Read changed = read(F16, other, kept());
        assertThat(changed.recall().tokens()).isEqualTo(1024);
        assertSame(changed.future(), cold(F16, other));
        assertThat(files("pages")).hasSize(7 + 1);
        assertThat(read(F16, text, kept()).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
    }

    @Test
    void textsShareWhatTheyBeginWithAlsoWhereTheLatestTokensAreExact() {
        SessionOptions usual = SessionOptions.DEFAULT.withContext(3000);
        int[] text = text(2500), other = text(2600);
        other[2100]++;
        read(usual, text, kept());
        Read changed = read(usual, other, kept());
        assertThat(changed.recall().outcome()).isEqualTo(Recall.Outcome.PARTIAL);
        assertThat(changed.recall().tokens()).isBetween(1024, 2048);
        assertSame(changed.future(), cold(usual, other));
        assertThat(read(usual, text, kept()).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        for (KeptReading reading : kept().readings()) {
            kept().remove(reading.id());
        }
        assertThat(kept().collect(Long.MAX_VALUE).left()).isZero();
    }

    @Test
    void whatIsReadOtherwiseIsNotUsedAndTheReasonIsTold() {
        int[] text = text(600);
        read(options("chl-4"), text, kept());
        assertThat(read(options("chl-8"), text, kept()).recall())
                .isEqualTo(new Recall(Recall.Outcome.MISS, 0, "kept with --kv chl-4, this is --kv chl-8"));
        assertThat(read(F16.withKv("k=f16,v=f32"), text(300), kept()).recall().why())
                .startsWith("it was not kept before");
        try (Model stretched = Model.open(
                        Path.of("src/test/resources/tiny/llama3"),
                        ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=31"));
                Session session = stretched.newSession(options("chl-4"), text, kept())) {
            assertThat(session.recalled().outcome()).isEqualTo(Recall.Outcome.MISS);
            assertThat(session.recalled().why()).contains("--rope-scaling Linear[factor=32.0]", "factor=31.0");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"f16", "chl-4", "chl-8", "kivi-2", "hf-int4"})
    void everyFlippedBitIsFoundAndNeverAnotherAnswer(String kv) throws IOException {
        SessionOptions options = options(kv);
        int[] text = text(1100);
        read(options, text, kept());
        List<int[]> expected = cold(options, text);
        long seed = 11;
        Random random = new Random(seed);
        for (int i = 0; i < 40; i++) {
            List<Path> all = new ArrayList<>(files("pages"));
            all.addAll(files("tails"));
            Path victim = all.get(random.nextInt(all.size()));
            // Headers are small beside the rest, and get their part.
            long bytes = random.nextBoolean() ? Math.min(1200, Files.size(victim)) : Files.size(victim);
            long at = (long) (random.nextDouble() * bytes);
            flip(victim, at, random.nextInt(8));
            Read again = read(options, text, kept());
            // A tail on the way is not needed where the text's end is there.
            int unread = again.recall().outcome() == Recall.Outcome.HIT ? 1 : 0;
            assertThat(kept().verify(Progress.NONE, new Cancellation()))
                    .as("seed %d, round %d, byte %d of %s", seed, i, at, victim.getFileName())
                    .hasSize(unread);
            assertSame(again.future(), expected);
            assertThat(read(options, text, kept()).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        }
    }

    private static void flip(Path file, long at, int bit) throws IOException {
        byte[] all = Files.readAllBytes(file);
        all[(int) at] ^= (byte) (1 << bit);
        Files.write(file, all);
    }

    @Test
    void aPageThatIsCutOrLongerOrAnothersIsComputedAgain() throws IOException {
        int[] text = text(1100);
        read(F16, text, kept());
        List<int[]> expected = cold(F16, text);
        for (int round = 0; round < 4; round++) {
            List<Path> pages = files("pages");
            Path page = pages.get(round % pages.size());
            byte[] all = Files.readAllBytes(page);
            switch (round) {
                case 0 -> Files.write(page, Arrays.copyOf(all, all.length - 1));
                case 1 -> Files.write(page, Arrays.copyOf(all, all.length + 64));
                case 2 -> Files.write(page, new byte[0]);
                default -> Files.write(page, Files.readAllBytes(pages.get(0)));
            }
            Read again = read(F16, text, kept());
            assertThat(again.recall().outcome()).isNotEqualTo(Recall.Outcome.HIT);
            assertSame(again.future(), expected);
        }
    }

    @Test
    void pagesThatAreMissingAreReadAgainFromThere() throws IOException {
        int[] text = text(1700);
        read(F16, text, kept());
        Files.delete(files("pages").get(3));
        Read again = read(F16, text, kept());
        assertThat(again.recall().tokens()).isEqualTo(512);
        assertThat(again.kept().pages()).isEqualTo(1);
        assertSame(again.future(), cold(F16, text));
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void filesAreForTheirOwnerAloneAndNoLinkIsFollowed() throws IOException {
        int[] text = text(600);
        read(F16, text, kept());
        for (String in : List.of("", "pages", "tails")) {
            assertThat(PosixFilePermissions.toString(
                            Files.getPosixFilePermissions(folder.resolve("kv").resolve(in))))
                    .isEqualTo("rwx------");
        }
        kept().collect(Long.MAX_VALUE);
        assertThat(PosixFilePermissions.toString(
                        Files.getPosixFilePermissions(folder.resolve("kv").resolve("lock"))))
                .isEqualTo("rw-------");
        Path page = files("pages").get(0);
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(page)))
                .isEqualTo("rw-------");
        Path elsewhere = folder.resolve("elsewhere.page");
        Files.move(page, elsewhere);
        Files.createSymbolicLink(page, elsewhere);
        Read again = read(F16, text, kept());
        assertThat(again.recall().outcome()).isEqualTo(Recall.Outcome.MISS);
        assertSame(again.future(), cold(F16, text));
        assertThat(Files.isSymbolicLink(page)).isFalse();
        assertThat(elsewhere).exists();

        Path linked = folder.resolve("linked");
        Files.createSymbolicLink(linked, folder.resolve("kv"));
        Read through = read(F16, text, new KeptReadings(linked, KeptReadings.DEFAULT_BYTES));
        assertThat(through.recall().outcome()).isEqualTo(Recall.Outcome.MISS);
        assertThat(through.kept().failure()).isPresent();
        assertThat(through.kept().failure().get()).hasMessageContaining("symbolic link");
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aFolderThatCannotBeWrittenIsToldOfAndTheReadingIsWhole() throws IOException {
        // A file in the place of the folder: what root cannot write either.
        Files.writeString(folder.resolve("kv"), "");
        int[] text = text(600);
        Read read = read(F16, text, kept());
        assertThat(read.kept().failure()).isPresent();
        assertThat(read.kept().failure().get()).hasMessageContaining("cannot be written");
        assertSame(read.future(), cold(F16, text));
    }

    @Test
    void whatWasUsedLongestAgoGoesFirstAndDeeperPagesBefore() throws IOException {
        int[] one = text(1100), other = text(1100);
        other[0]++;
        read(F16, one, kept());
        long each = kept().collect(Long.MAX_VALUE).left();
        sleep();
        read(F16, other, kept());
        sleep();
        read(F16, one, kept());
        // Room for one reading and most of another: the other loses its tail and its last page.
        KeptReadings.Freed freed = kept().collect(2 * each - each / 3);
        assertThat(freed.left()).isLessThanOrEqualTo(2 * each - each / 3);
        assertThat(read(F16, one, kept()).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        assertThat(read(F16, other, kept()).recall().tokens()).isEqualTo(512);
        assertThat(kept().collect(0).left()).isZero();
        assertThat(files("pages")).isEmpty();
        assertThat(files("tails")).isEmpty();
    }

    private static void sleep() {
        try {
            Thread.sleep(5);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    @Test
    void aStoreStaysWithinItsBytes() throws IOException {
        read(F16, text(1100), kept());
        long each = kept().collect(Long.MAX_VALUE).left();
        KeptReadings small = new KeptReadings(folder.resolve("kv"), each + each / 2);
        for (int i = 1; i < 5; i++) {
            int[] text = text(1100);
            text[0] = 250 + i;
            read(F16, text, small);
            assertThat(small.collect(Long.MAX_VALUE).left()).isLessThanOrEqualTo(each + each / 2);
            assertThat(read(F16, text, small).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        }
        KeptReadings tiny = new KeptReadings(folder.resolve("kv"), each / 2);
        int[] text = text(1100);
        text[0] = 251;
        Read read = read(F16, text(1400), tiny);
        assertThat(read.kept().failure()).isPresent();
        assertThat(read.kept().failure().get().kind()).isEqualTo(LecternException.Kind.NO_SPACE);
        assertThat(tiny.collect(Long.MAX_VALUE).left()).isLessThanOrEqualTo(each / 2);
    }

    @Test
    void aTextOfItsBudgetIsKeptThoughManyTailsOnTheWayWereDeleted() throws IOException {
        int[] text = text(14_000);
        SessionOptions options = SessionOptions.DEFAULT.withContext(14_300);
        try (Model longer = Model.open(
                Path.of("src/test/resources/tiny/llama3"),
                ModelOptions.DEFAULT.withThreads(2).withRopeScaling("linear:factor=128"))) {
            long all;
            try (Session session = longer.newSession(options, text, kept())) {
                Kept written = session.readRest(Progress.NONE, new Cancellation());
                all = kept().bytes();
                // What has gone is more than the budget of the second reading spares.
                assertThat(written.bytes() - all).isGreaterThan(all / 16);
            }
            KeptReadings small = new KeptReadings(folder.resolve("small"), all * 17 / 15);
            try (Session session = longer.newSession(options, text, small)) {
                assertThat(session.readRest(Progress.NONE, new Cancellation()).failure())
                        .isEmpty();
            }
            assertThat(small.bytes()).isEqualTo(all);
            try (Session session = longer.newSession(options, text, small)) {
                assertThat(session.recalled().outcome()).isEqualTo(Recall.Outcome.HIT);
            }
        }
    }

    @Test
    void aTextThatIsTakenUpAndExceedsTheBudgetIsToldOf() throws IOException {
        read(F16, text(1100), kept());
        long each = kept().bytes();
        KeptReadings small = new KeptReadings(folder.resolve("small"), 2 * each);
        assertThat(read(F16, text(1100), small).kept().failure()).isEmpty();
        sleep();
        Read longer = read(F16, text(2600), small);
        assertThat(longer.recall().tokens()).isEqualTo(1024);
        assertThat(longer.kept().failure()).isPresent();
        assertThat(longer.kept().failure().get().kind()).isEqualTo(LecternException.Kind.NO_SPACE);
        assertThat(small.bytes()).isLessThanOrEqualTo(2 * each);
        // Nothing of it has gone for the rest of it.
        try (Stream<Path> pages = Files.list(folder.resolve("small/pages"))) {
            assertThat(pages).hasSize(1024 / 256 + longer.kept().pages());
        }
        assertThat(read(F16, text(2600), small).recall().tokens()).isGreaterThan(1024);
        assertSame(longer.future(), cold(F16, text(2600)));
    }

    @Test
    void pagesThatAreThereAlreadyCount() throws IOException {
        int[] text = text(2600);
        read(F16, text, kept());
        long all = kept().bytes();
        Files.delete(files("pages").get(0));
        KeptReadings small = new KeptReadings(folder.resolve("kv"), all * 3 / 4);
        Read again = read(F16, text, small);
        assertThat(again.recall().outcome()).isEqualTo(Recall.Outcome.MISS);
        assertThat(again.kept().failure()).isPresent();
        assertThat(small.bytes()).isLessThanOrEqualTo(all * 3 / 4);
        assertThat(read(F16, text, small).recall().tokens()).isPositive();
    }

    @Test
    void storesThatShareAFolderStayWithinItsBytesTogether() throws IOException {
        read(F16, text(1100), new KeptReadings(folder.resolve("one"), KeptReadings.DEFAULT_BYTES));
        long each = new KeptReadings(folder.resolve("one"), 0).bytes(), most = each * 5 / 2;
        KeptReadings one = new KeptReadings(folder.resolve("kv"), most);
        for (int i = 0; i < 4; i++) {
            int[] text = text(1100);
            text[0] = 250 + i;
            // Another program each time; it has counted what was there, not what came since.
            read(F16, text, i % 2 == 0 ? one : new KeptReadings(folder.resolve("kv"), most));
            assertThat(one.bytes()).as("text %d", i).isLessThanOrEqualTo(most);
            sleep();
        }
    }

    @Test
    void whatOtherKernelsHaveReadIsReadAgain() throws Exception {
        assumeThat(Kernels.bitsInUse()).isPositive();
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-Dlectern.matmul=scalar",
                "-cp",
                System.getProperty("java.class.path"),
                Scalar.class.getName(),
                folder.resolve("kv").toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as(output).isZero();
        assertThat(kept().readings()).hasSize(1);
        Read here = read(F16, text(300), kept());
        assertThat(here.recall())
                .isEqualTo(new Recall(
                        Recall.Outcome.MISS,
                        0,
                        "kept with vectors of 0 bits, this is vectors of " + Kernels.bitsInUse() + " bits"));
        assertSame(here.future(), cold(F16, text(300)));
        assertThat(kept().readings()).hasSize(2);
    }

    /** Reads the text as a processor without vectors does. */
    static final class Scalar {
        public static void main(String[] args) {
            open();
            read(F16, text(300), new KeptReadings(Path.of(args[0]), KeptReadings.DEFAULT_BYTES));
            close();
        }
    }

    @Test
    void namesAreGivenListedAndRemoved() throws IOException {
        KeptReadings kept = kept();
        int[] text = text(700);
        assertThatThrownBy(() -> kept.document("report")).hasMessageContaining("nothing has a name yet");
        try (Session session = model.newSession(F16, text, kept)) {
            session.readRest(Progress.NONE, new Cancellation());
            kept.name(document("report", text), session);
        }
        read(F16, text(900), kept);
        assertThat(kept.names()).containsExactly("report");
        assertThat(kept.document("report")).isEqualTo(document("report", text));
        assertThat(kept.document("report").system()).isEqualTo("Be \"brief\".\n");
        assertThatThrownBy(() -> kept.document("other")).hasMessageContaining("@report");
        assertThatThrownBy(() -> kept.document("../x")).hasMessageContaining("not a name");
        List<KeptReading> readings = kept.readings();
        assertThat(readings).hasSize(2);
        KeptReading reading =
                readings.stream().filter(r -> r.tokens() == 700).findFirst().orElseThrow();
        assertThat(reading.names()).containsExactly("report");
        assertThat(reading.pages()).isEqualTo(2);
        assertThat(reading.missing()).isZero();
        assertThat(reading.fields()).containsEntry("--kv", "f16");

        // The first two pages are those of the longer text, too.
        kept.remove("report");
        assertThat(kept.names()).isEmpty();
        assertThat(read(F16, text(900), kept).recall().outcome()).isEqualTo(Recall.Outcome.HIT);
        assertThatThrownBy(() -> kept.remove("report")).hasMessageContaining("called @report");
    }

    private void readAs(String name, int[] text, KeptReadings kept) {
        try (Session session = model.newSession(F16, text, kept)) {
            session.readRest(Progress.NONE, new Cancellation());
            kept.name(document(name, text), session);
        }
    }

    @Test
    void aPartOfAnIdRemovesNothing() {
        KeptReadings kept = kept();
        readAs("report", text(300), kept);
        readAs("other", text(400), kept);
        String id = kept.readings().getFirst().id();
        for (String part : List.of("0", id.substring(0, 8), "tail", id.substring(1), id + "0")) {
            assertThatThrownBy(() -> kept.remove(part))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("@other, @report");
        }
        assertThat(kept.readings()).hasSize(2);
        String name = kept.readings().getFirst().names().getFirst();
        kept.remove(id);
        assertThat(kept.names()).hasSize(1).doesNotContain(name);
        assertThat(kept.readings()).hasSize(1);
    }

    @Test
    void aRecordThatIsDamagedIsInNobodysWay() throws IOException {
        KeptReadings kept = kept();
        for (String name : List.of("a", "b", "c")) {
            readAs(name, text(300), kept);
        }
        readAs("d", text(400), kept);
        flip(folder.resolve("kv/documents/b.json"), 100, 3);
        assertThat(kept.remove("d")).isPositive();
        assertThat(kept.names()).containsExactly("a", "b", "c");
        assertThat(kept.remove("b")).isPositive();
        assertThat(kept.readings().getFirst().names()).containsExactly("a", "c");
        flip(folder.resolve("kv/documents/a.json"), 100, 3);
        assertThat(kept.remove("c")).isPositive();
        assertThat(kept.names()).containsExactly("a");
        assertThat(kept.readings()).isEmpty();
        assertThat(kept.verify(Progress.NONE, new Cancellation())).hasSize(1);
        assertThat(kept.names()).isEmpty();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void whatCannotBeReadIsNotDamaged() throws IOException {
        readAs("report", text(300), kept());
        for (String kind : List.of("documents", "pages", "tails")) {
            Path file = files(kind).get(0);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("---------"));
            assumeThat(Files.isReadable(file)).as("root reads everything").isFalse();
            assertThat(kept().verify(Progress.NONE, new Cancellation()))
                    .as(kind)
                    .hasSize(1)
                    .allSatisfy(told -> assertThat(told).contains("cannot be read"));
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
        }
        assertThat(kept().document("report").tokens()).hasSize(300);
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void whatIsBehindALinkIsNeitherCountedNorDeleted() throws IOException {
        String digits = "0123456789abcdef".repeat(4);
        List<Path> others = new ArrayList<>();
        Files.createDirectories(folder.resolve("kv"));
        for (String in : List.of("pages", "tails", "indexes", "documents")) {
            Path elsewhere = Files.createDirectories(folder.resolve("elsewhere").resolve(in));
            for (String name : List.of(
                    "00000000-" + digits + ".page",
                    "00000000-" + digits + ".tail",
                    "00000000-" + digits + ".index",
                    ".part-00000000-0000-0000-0000-000000000000",
                    "report.json")) {
                Path file = Files.writeString(elsewhere.resolve(name), "{}");
                Files.setLastModifiedTime(file, FileTime.fromMillis(0));
                others.add(file);
            }
            Files.createSymbolicLink(folder.resolve("kv").resolve(in), elsewhere);
        }
        assertThat(kept().names()).isEmpty();
        assertThat(kept().bytes()).isZero();
        assertThat(kept().readings()).isEmpty();
        assertThat(kept().verify(Progress.NONE, new Cancellation())).isEmpty();
        assertThat(kept().collect(0)).isEqualTo(new KeptReadings.Freed(0, 0, 0));
        assertThatThrownBy(() -> kept().remove("report")).hasMessageContaining("nothing has a name yet");
        assertThat(others).allSatisfy(file -> assertThat(file).exists());
    }

    @Test
    void whatLecternDidNotWriteStays() throws IOException {
        readAs("report", text(600), kept());
        List<Path> others = new ArrayList<>();
        for (String in : List.of("pages", "tails", "documents")) {
            for (String name : List.of("notes.txt", "00000000-notes.page", "a.tail", ".part-of-mine", ".hidden")) {
                Path file = Files.writeString(folder.resolve("kv").resolve(in).resolve(name), "mine");
                Files.setLastModifiedTime(file, FileTime.fromMillis(0));
                others.add(file);
            }
        }
        Path part = Files.writeString(folder.resolve("kv/tails/.part-00000000-0000-0000-0000-000000000000"), "");
        Files.setLastModifiedTime(part, FileTime.fromMillis(0));
        assertThat(kept().verify(Progress.NONE, new Cancellation())).isEmpty();
        assertThat(kept().collect(0).left()).isZero();
        assertThat(kept().names()).isEmpty();
        assertThat(part).doesNotExist();
        assertThat(others).allSatisfy(file -> assertThat(file).exists());
    }

    private static KeptDocument document(String name, int[] text) {
        return new KeptDocument(
                name,
                "tiny",
                Map.of("kv", "f16"),
                List.of("report.txt"),
                "Be \"brief\".\n",
                text,
                Map.of("--kv", "f16"),
                Instant.parse("2026-01-02T03:04:05Z"));
    }

    @Test
    void aRecordThatIsDamagedIsToldOf() throws IOException {
        KeptReadings kept = kept();
        int[] text = text(300);
        try (Session session = model.newSession(F16, text, kept)) {
            session.readRest(Progress.NONE, new Cancellation());
            kept.name(document("report", text), session);
        }
        Path record = files("documents").get(0);
        byte[] whole = Files.readAllBytes(record);
        int seed = 3;
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            byte[] damaged = whole.clone();
            damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
            Files.write(record, damaged);
            try {
                KeptDocument document = kept.document("report");
                assertThat(Arrays.equals(document.tokens(), text))
                        .as("seed %d, round %d", seed, i)
                        .isTrue();
            } catch (LecternException e) {
                assertThat(e.kind()).isEqualTo(LecternException.Kind.CHECKSUM);
            }
        }
    }

    @Test
    void aNameOfWhichNothingIsLeftGoesToo() throws IOException {
        KeptReadings kept = kept();
        int[] text = text(700);
        try (Session session = model.newSession(F16, text, kept)) {
            session.readRest(Progress.NONE, new Cancellation());
            kept.name(document("report", text), session);
        }
        kept.collect(0);
        assertThat(kept.names()).isEmpty();
    }

    @Test
    @DisabledOnOs(OS.WINDOWS)
    void aFileThatIsCutWhileItIsUsedIsASentence() throws IOException {
        int[] text = text(1100);
        read(F16, text, kept());
        try (Session session = model.newSession(F16, text, kept())) {
            assertThat(session.recalled().outcome()).isEqualTo(Recall.Outcome.HIT);
            assertThat(session.mappedBytes()).isPositive();
            try (FileChannel channel = FileChannel.open(files("pages").get(1), StandardOpenOption.WRITE)) {
                channel.truncate(100);
            }
            assertThatThrownBy(() -> session.read(text(20), Progress.NONE, new Cancellation()))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("was cut while it was used");
        }
        assertSame(read(F16, text, kept()).future(), cold(F16, text));
    }

    @Test
    void twoStoresOnOneFolderReadTheSameAtOnce() throws Exception {
        int[] text = text(1800);
        List<int[]> expected = cold(F16, text);
        List<Thread> threads = new ArrayList<>();
        List<Throwable> failures = java.util.Collections.synchronizedList(new ArrayList<>());
        for (int i = 0; i < 3; i++) {
            threads.add(Thread.ofPlatform().start(() -> {
                try {
                    KeptReadings own = kept();
                    for (int round = 0; round < 3; round++) {
                        assertSame(read(F16, text, own).future(), expected);
                        own.collect(round == 1 ? 0 : Long.MAX_VALUE);
                    }
                } catch (Throwable e) {
                    failures.add(e);
                }
            }));
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertThat(failures).isEmpty();
        assertThat(kept().verify(Progress.NONE, new Cancellation())).isEmpty();
    }

    @Test
    void aSessionThatHasGoneOnKeepsNothing() {
        int[] text = text(600);
        try (Session session = model.newSession(F16, text, kept())) {
            session.read(text(3), Progress.NONE, new Cancellation());
            assertThatThrownBy(() -> session.readRest(Progress.NONE, new Cancellation()))
                    .isInstanceOf(IllegalStateException.class);
        }
    }
}
