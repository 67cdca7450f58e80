package dev.lectern.prefill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.BareModel;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What is known of star and apb beforehand: where they are exact, what depends on what, and which settings are the same method. */
class BlockwiseTest {
    private static final int LENGTH = 1100; // 5 pages, the last not full
    private static final int[] TEXT = new Random(5).ints(LENGTH, 0, 250).toArray();
    private static final Optional<Question> QUESTION = Optional.of(new Question(new int[] {7, 3, 9, 11, 4}, 2));
    private static final int[] ASKED = {7, 3, 9, 11, 4, 1};
    private static final String EVERYTHING = ":question=apart:compressor=recent:passing=100000";

    private static final BareModel MODEL = new BareModel(Path.of("src/test/resources/tiny/qwen2"), 2);

    @AfterAll
    static void close() {
        MODEL.close();
    }

    private static Sequence read(String method, int[] text, KvFormat format) {
        return read(method, QUESTION, text, format);
    }

    private static Sequence read(String method, Optional<Question> question, int[] text, KvFormat format) {
        Sequence sequence = MODEL.sequence(format);
        read(method, question, sequence, text);
        return sequence;
    }

    private static float[] read(String method, Optional<Question> question, Sequence sequence, int[] text) {
        float[][] last = new float[1][];
        Prefills.named(method, question, RandomHeads.SOURCE)
                .read(
                        MODEL.forward(),
                        sequence,
                        text,
                        Slice.Logits.LAST,
                        (first, rows, logits, at) -> last[0] = Arrays.copyOfRange(
                                logits, at, at + MODEL.config().vocabulary()),
                        Progress.NONE,
                        new Cancellation());
        return last[0];
    }

    private static float[] stored(Sequence sequence, int from, int to) {
        return StoredNumbers.of(sequence, from, to);
    }

    private static float[] stored(Sequence sequence) {
        return stored(sequence, 0, sequence.cache().length());
    }

    private static double difference(float[] a, float[] b) {
        double most = 0;
        for (int i = 0; i < a.length; i++) {
            most = Math.max(most, Math.abs(a[i] - b[i]));
        }
        return most;
    }

    /** How far a method is from exact reading, in stored keys and values and in what is made of a question. */
    private static double error(String method) {
        try (Sequence exact = read("full", TEXT, FloatFormat.F32);
                Sequence other = read(method, TEXT, FloatFormat.F32)) {
            double stored = difference(stored(exact), stored(other));
            float[] expected = read("full", QUESTION, exact, ASKED), actual = read(method, QUESTION, other, ASKED);
            return Math.max(stored, difference(expected, actual));
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"star:hosts=1", "apb:hosts=1", "apb:hosts=1:question=apart:compressor=random"})
    void oneBlockIsExactReadingBitForBit(String method) {
        for (String format : new String[] {"f32", "f16", "int8", "chl-4", "hf-int4:group=16"}) {
            KvFormat kv = KvFormats.named(format).keys();
            try (Sequence exact = read("full", TEXT, kv);
                    Sequence one = read(method, TEXT, kv)) {
                assertThat(Arrays.equals(stored(one), stored(exact))).isTrue();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "star:hosts=2",
                "star:hosts=2:anchor=again",
                "apb:hosts=4:anchor=0" + EVERYTHING,
                "apb:hosts=5:anchor=0" + EVERYTHING,
                "apb:hosts=5:anchor=100" + EVERYTHING,
                "apb:hosts=3:anchor=256" + EVERYTHING,
                "apb:hosts=5:anchor=100:hosts-share=nothing" + EVERYTHING,
                "apb:hosts=3:anchor=0:hosts-share=nothing" + EVERYTHING,
            })
    void whoSeesEverythingReadsExactly(String method) {
        assertThat(error(method)).isLessThan(1e-4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "star:hosts=5",
                "apb:hosts=5:anchor=0:passing=0:question=apart",
                "apb:hosts=5:anchor=100:passing=100:question=apart",
                "apb:hosts=5:anchor=100:passing=100000:compressor=recent",
            })
    void whoSeesLessOrTheQuestionTooDoesNot(String method) {
        assertThat(error(method)).isGreaterThan(1e-3);
    }

    @Test
    void anAnchorOfABlockAndNothingPassedIsStar() {
        try (Sequence star = read("star:hosts=5", TEXT, FloatFormat.F16);
                Sequence again = read("star:hosts=5:anchor=again", TEXT, FloatFormat.F16);
                Sequence apb = read("apb:hosts=5:anchor=256:passing=0:question=apart", TEXT, FloatFormat.F16)) {
            assertThat(Arrays.equals(stored(again), stored(star))).isTrue();
            assertThat(Arrays.equals(stored(apb), stored(star))).isTrue();
        }
    }

    @Test
    void theAnchorIsTheSameForEveryBlock() {
        try (Sequence once = read("apb:hosts=5", TEXT, FloatFormat.F16);
                Sequence again = read("apb:hosts=5:hosts-share=nothing", TEXT, FloatFormat.F16)) {
            assertThat(Arrays.equals(stored(again), stored(once))).isTrue();
        }
    }

    @Test
    void errorsFallAsMoreIsPassed() {
        double last = Double.POSITIVE_INFINITY;
        for (int passing : new int[] {0, 64, 192, 256}) {
            double error = error("apb:hosts=5:anchor=0:question=apart:passing=" + passing);
            assertThat(error).isLessThanOrEqualTo(last);
            last = error;
        }
        assertThat(last).isLessThan(1e-4);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "star:hosts=5",
                "apb:hosts=5",
                "apb:hosts=5:question=apart:compressor=random",
                "apb:hosts=5:compressor=heads"
            })
    void aTokenDependsOnNothingBehindIt(String method) {
        int[] edited = TEXT.clone();
        int at = 600; // in the third block
        edited[at] = (edited[at] + 1) % 250;
        try (Sequence before = read(method, TEXT, FloatFormat.F16);
                Sequence after = read(method, edited, FloatFormat.F16)) {
            assertThat(Arrays.equals(stored(after, 0, at), stored(before, 0, at)))
                    .isTrue();
            assertThat(Arrays.equals(stored(after, at, 768), stored(before, at, 768)))
                    .isFalse();
        }
    }

    @Test
    void whatIsPassedOnReachesLaterBlocks() {
        int[] edited = TEXT.clone();
        edited[300] = (edited[300] + 1) % 250;
        for (String method :
                new String[] {"star:hosts=5", "apb:hosts=5:passing=256:question=apart:compressor=recent"}) {
            try (Sequence before = read(method, TEXT, FloatFormat.F16);
                    Sequence after = read(method, edited, FloatFormat.F16)) {
                boolean same = Arrays.equals(stored(after, 512, LENGTH), stored(before, 512, LENGTH));
                assertThat(same).as(method).isEqualTo(method.startsWith("star"));
            }
        }
    }

    @Test
    void theQuestionReachesWhatHasItInView() {
        Optional<Question> other = Optional.of(new Question(new int[] {200, 201, 17}, 2));
        try (Sequence one = read("apb:hosts=5", QUESTION, TEXT, FloatFormat.F16);
                Sequence two = read("apb:hosts=5", other, TEXT, FloatFormat.F16);
                Sequence apart = read("apb:hosts=5:question=apart:compressor=recent", QUESTION, TEXT, FloatFormat.F16);
                Sequence none =
                        read("apb:hosts=5:question=apart:compressor=recent", Optional.empty(), TEXT, FloatFormat.F16)) {
            assertThat(Arrays.equals(stored(two, 0, 256), stored(one, 0, 256))).isTrue();
            assertThat(Arrays.equals(stored(two, 256, LENGTH), stored(one, 256, LENGTH)))
                    .isFalse();
            assertThat(Arrays.equals(stored(none), stored(apart))).isTrue();
        }
    }

    @Test
    void theResultDoesNotDependOnThreads() {
        try (BareModel alone = new BareModel(Path.of("src/test/resources/tiny/qwen2"), 1);
                Sequence one = alone.sequence(FloatFormat.F16);
                Sequence two = read("apb:hosts=5", TEXT, FloatFormat.F16)) {
            Prefills.named("apb:hosts=5", QUESTION)
                    .read(
                            alone.forward(),
                            one,
                            TEXT,
                            Slice.Logits.LAST,
                            (first, rows, logits, at) -> {},
                            Progress.NONE,
                            new Cancellation());
            assertThat(Arrays.equals(stored(one), stored(two))).isTrue();
        }
    }

    @Test
    void whatFollowsIsReadExactly() {
        try (Sequence sequence = read("apb:hosts=5", TEXT, FloatFormat.F32);
                Sequence fork = sequence.fork()) {
            float[] apb = read("apb:hosts=5", QUESTION, sequence, ASKED);
            assertThat(apb).isEqualTo(read("full", QUESTION, fork, ASKED));
        }
    }

    @Test
    void theMeanOfQueriesScoresAsTheyDoOnAverage() {
        int headDim = 32, queries = 6;
        Random random = new Random(3);
        KvCache cache = new KvCache(List.of(new LayerCache(1, headDim, 0, FloatFormat.F32, FloatFormat.F32)));
        float[][] keys = new float[300][headDim], asked = new float[queries][headDim];
        cache.reserve(keys.length);
        for (int t = 0; t < keys.length; t++) {
            for (int d = 0; d < headDim; d++) {
                keys[t][d] = (float) random.nextGaussian();
            }
            cache.put(0, t, keys[t], 0, keys[t], 0);
        }
        float[] mean = new float[headDim];
        for (float[] q : asked) {
            for (int d = 0; d < headDim; d++) {
                q[d] = (float) random.nextGaussian();
                mean[d] += q[d] / queries;
            }
        }
        float[] raw = new float[keys.length - Page.TOKENS], scores = new float[raw.length];
        for (int t = 0; t < raw.length; t++) {
            for (float[] q : asked) {
                for (int d = 0; d < headDim; d++) {
                    raw[t] += q[d] * keys[Page.TOKENS + t][d] / queries;
                }
            }
        }
        new QueryMean().score(0, 0, 1, cache, Page.TOKENS, keys.length, mean, scores);
        for (int t = 0; t < raw.length; t++) {
            float most = raw[t];
            for (int near = Math.max(0, t - 2); near <= Math.min(raw.length - 1, t + 2); near++) {
                most = Math.max(most, raw[near]);
            }
            assertThat(scores[t]).isCloseTo(most, within(1e-4f));
        }
        cache.close();
    }

    @Test
    void theAnchorHasTheQuestionBehindTheTemplate() {
        BlockRecipe recipe = new BlockRecipe(
                Division.of(600, 2),
                4,
                QUESTION.get(),
                false,
                1,
                (layers, workers, cancellation) -> new RecentTokens(),
                QUESTION.get());
        assertThat(recipe.anchorTokens(new int[] {50, 51, 52, 53, 54})).containsExactly(50, 51, 7, 3, 9, 11, 4, 52, 53);
    }

    @Test
    void blocksAreWholePagesAndCoverTheText() {
        for (int tokens : new int[] {1, 255, 256, 257, 1100, 4096, 5000}) {
            for (int hosts : new int[] {1, 2, 3, 8, 100}) {
                Division division = Division.of(tokens, hosts);
                assertThat(division.blocks()).isBetween(1, hosts);
                for (int block = 0; block < division.blocks(); block++) {
                    int start = division.start(block);
                    assertThat(start % Page.TOKENS).isZero();
                    assertThat(division.end(block)).isGreaterThan(start);
                }
                assertThat(division.end(division.blocks() - 1)).isEqualTo(tokens);
            }
        }
    }

    @Test
    void aMethodIsFoundByWhatResultsCallIt() {
        for (String method :
                List.of("full", "ring", "ulysses", "star:hosts=3", "apb", "apb:anchor=7:compressor=random")) {
            String name = Prefills.named(method, QUESTION).name();
            assertThat(Prefills.named(name, QUESTION).name()).isEqualTo(name);
        }
    }

    @Test
    void whatCannotBeIsASentence() {
        assertThatThrownBy(() -> Prefills.named("stars", QUESTION))
                .isInstanceOf(LecternException.class)
                .hasMessage("There is no prefill method \"stars\"; there are full, ring, ulysses, star, apb,"
                        + " minference, xattention.");
        assertThatThrownBy(() -> Prefills.named("apb", Optional.empty()).requireFit(List.of()))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("question=apart and compressor=recent");
        assertThatThrownBy(() -> Prefills.named("star:hosts=0", QUESTION))
                .hasMessageContaining("hosts is 0, but it takes a whole number from 1 to 1024");
    }
}
