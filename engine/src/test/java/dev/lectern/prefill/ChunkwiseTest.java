package dev.lectern.prefill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.lectern.BadModelFileException;
import dev.lectern.BareModel;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Pairs;
import dev.lectern.Progress;
import dev.lectern.attention.Calibrated;
import dev.lectern.attention.Calibration;
import dev.lectern.attention.ExactAttention;
import dev.lectern.attention.Heads;
import dev.lectern.attention.StripChoice;
import dev.lectern.kernel.Workers;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The methods that choose what a text's chunks look at: their laws as methods of reading, and their choices against definitions written out. */
class ChunkwiseTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");

    private static final List<String> METHODS = List.of(
            "xattention:stride=8:threshold=0.9",
            "xattention:stride=16:threshold=0.5:dense=1",
            "minference:vertical=paper:slash=paper",
            "minference:vertical=40:slash=120:dense=0");

    private static Prefill method(String spec) {
        return Prefills.named(spec, Optional.empty());
    }

    private static int[] text(int tokens) {
        return new Random(tokens).ints(tokens, 0, 250).toArray();
    }

    /** The last logits of each text that one sequence reads. */
    private static List<float[]> read(BareModel model, Sequence sequence, Prefill prefill, int[]... texts) {
        List<float[]> last = new ArrayList<>();
        for (int[] text : texts) {
            prefill.read(
                    model.forward(),
                    sequence,
                    text,
                    Slice.Logits.LAST,
                    (first, rows, logits, at) -> {
                        assertThat(first).isEqualTo(text.length - 1);
                        assertThat(rows).isEqualTo(1);
                        last.add(Arrays.copyOfRange(
                                logits, at, at + model.config().vocabulary()));
                    },
                    Progress.NONE,
                    new Cancellation());
        }
        assertThat(last).hasSize(texts.length);
        return last;
    }

    private static List<float[]> read(BareModel model, Prefill prefill, int[]... texts) {
        return read(model, FloatFormat.F16, prefill, texts);
    }

    private static List<float[]> read(BareModel model, KvFormat kv, Prefill prefill, int[]... texts) {
        try (Sequence sequence = model.sequence(kv)) {
            return read(model, sequence, prefill, texts);
        }
    }

    private static Calibrated kept(List<Calibration.Table> tables) {
        Map<String, Calibration.Table> byName = new LinkedHashMap<>();
        tables.forEach(table -> byName.put(table.name(), table));
        return new Calibrated("patterns", "weights", byName);
    }

    /** MInference with patterns that were learned. */
    private static Prefill calibrated(List<Calibration.Table> tables) {
        return Prefills.named(
                "minference:calibrated=yes", Optional.empty(), (method, which) -> Optional.of(kept(tables)));
    }

    private static void assertSame(List<float[]> some, List<float[]> others) {
        for (int i = 0; i < some.size(); i++) {
            assertThat(some.get(i)).isEqualTo(others.get(i));
        }
    }

    /** Oracle 20: a budget of everything. */
    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "mqa"})
    void withABudgetOfEverythingTheyReadLikeFull(String name) throws IOException {
        HeadPatterns mixed;
        try (BareModel model = new BareModel(TINY.resolve(name), 2)) {
            List<HeadPattern> all = List.of(
                    new HeadPattern.AShape(1, 1 << 24),
                    new HeadPattern.BlockSparse(1 << 24),
                    new HeadPattern.VerticalSlash(1, 1 << 24));
            mixed = new HeadPatterns(IntStream.range(0, model.config().layers())
                    .mapToObj(layer -> IntStream.range(0, model.config().heads())
                            .mapToObj(head -> all.get((layer + head) % all.size()))
                            .toList())
                    .toList());
            Prefill calibrated = calibrated(mixed.tables());
            for (int tokens : new int[] {2, 63, 129, 700, 2049, 2500}) {
                int[] question = text(9);
                List<float[]> full = read(model, new Full(), text(tokens), question);
                assertSame(read(model, method("xattention:threshold=1"), text(tokens), question), full);
                assertSame(read(model, method("xattention:stride=16:threshold=1"), text(tokens), question), full);
                assertSame(read(model, method("minference:slash=100000"), text(tokens), question), full);
                assertSame(read(model, calibrated, text(tokens), question), full);
                // Tokens that are looked at one by one come in another order.
                List<float[]> columns =
                        read(model, method("minference:vertical=100000:slash=1"), text(tokens), question);
                for (int i = 0; i < 2; i++) {
                    for (int j = 0; j < full.get(i).length; j++) {
                        assertThat(columns.get(i)[j]).isCloseTo(full.get(i)[j], within(2e-3f)); // f16 keys and values
                    }
                }
            }
        }
    }

    /** Formats that close pages want chunks that begin anywhere; what kivi stores depends on where they do. */
    @ParameterizedTest
    @ValueSource(strings = {"chl-8", "chl-4", "kivi-4:group=16", "hf-int4:group=16"})
    void withABudgetOfEverythingTheyReadLikeFullInFormatsOfCodes(String format) {
        KvFormat kv = KvFormats.named(format).keys();
        try (BareModel model = new BareModel(TINY.resolve("llama3"), 2)) {
            List<float[]> full = read(model, kv, new Full(Chunkwise.CHUNK), text(1300), text(9));
            assertSame(read(model, kv, method("xattention:threshold=1"), text(1300), text(9)), full);
            assertSame(read(model, kv, method("minference:slash=100000"), text(1300), text(9)), full);
            for (String spec : METHODS) {
                read(model, kv, method(spec), text(1300), text(9));
            }
        }
    }

    @Test
    void theyLeaveSomethingOutAndTheSameOnAnyNumberOfThreads() {
        for (String spec : METHODS) {
            List<float[]> once = List.of();
            Pairs pairs = new Pairs(0, 0, 0);
            for (int threads = 1; threads <= 3; threads++) {
                try (BareModel model = new BareModel(TINY.resolve("llama3"), threads)) {
                    List<float[]> now = read(model, method(spec), text(2307), text(20));
                    if (threads == 1) {
                        once = now;
                        pairs = model.forward().pairs();
                        assertThat(pairs.density()).as(spec).isLessThan(0.999);
                        assertThat(pairs.scored()).as(spec).isPositive();
                    } else {
                        assertSame(now, once);
                        assertThat(model.forward().pairs()).isEqualTo(pairs);
                    }
                }
            }
        }
    }

    @Test
    void whatIsReadAfterTheTextLooksAtEverything() {
        try (BareModel model = new BareModel(TINY.resolve("llama3"), 2)) {
            for (String spec : METHODS) {
                try (Sequence sequence = model.sequence(FloatFormat.F16)) {
                    read(model, sequence, method(spec), text(1500));
                    try (Sequence fork = sequence.fork()) {
                        Pairs before = model.forward().pairs();
                        List<float[]> asked = read(model, sequence, method(spec), text(77));
                        assertThat(model.forward().pairs().since(before).density())
                                .isEqualTo(1);
                        assertSame(asked, read(model, fork, new Full(), text(77)));
                    }
                }
            }
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 7, 64, 127, 1025, 2047, 2049, 4099})
    void textsOfAnyLengthAreReadWhole(int tokens) {
        try (BareModel model = new BareModel(TINY.resolve("llama3"), 2)) {
            for (String spec : METHODS) {
                try (Sequence sequence = model.sequence(FloatFormat.F16)) {
                    read(model, sequence, method(spec), text(tokens));
                    assertThat(sequence.cache().length()).isEqualTo(tokens);
                }
            }
        }
    }

    @Test
    void theContractOfMethodsOfReading() {
        List<LayerCache> layers = List.of(new LayerCache(2, 32, 0, FloatFormat.F16, FloatFormat.F16));
        List<LayerCache> windows = List.of(new LayerCache(2, 32, 64, FloatFormat.F16, FloatFormat.F16));
        for (String spec : METHODS) {
            Prefill prefill = method(spec);
            assertThat(prefill.name()).isEqualTo(spec);
            assertThat(prefill.isExact()).isFalse();
            assertThat(prefill.resumes()).isFalse();
            assertThat(prefill.stops(layers, 5000)).isEmpty();
            assertThat(prefill.dependsOn(5000)).containsEntry("read", "5000 tokens at once");
            assertThat(prefill.scratch(new Heads(6, 2, 32, 0), 10_000)).isPositive();
            prefill.requireFit(layers);
            assertThatThrownBy(() -> prefill.requireFit(windows))
                    .isInstanceOf(LecternException.class)
                    .hasMessageContaining("windows");
            try (BareModel model = new BareModel(TINY.resolve("llama3"), 1);
                    Sequence sequence = model.sequence(FloatFormat.F16)) {
                assertThatThrownBy(() -> prefill.read(
                                model.forward(),
                                sequence,
                                text(10),
                                Slice.Logits.ALL,
                                (first, rows, logits, at) -> {},
                                Progress.NONE,
                                new Cancellation()))
                        .isInstanceOf(LecternException.class)
                        .hasMessageContaining("no expectation for each token");
            }
        }
    }

    /** Oracle 17: pairs of full, star and apb are those of the formulas. */
    @Test
    void pairsAreCountedAsTheFormulasSay() {
        int n = 1024, block = 256, anchor = 100, passing = 40;
        try (BareModel model = new BareModel(TINY.resolve("llama3"), 2)) {
            long perPair = (long) model.config().heads() * model.config().layers();
            long dense = n * (n + 1L) / 2;
            assertThat(pairs(model, "full", n)).isEqualTo(new Pairs(dense * perPair, 0, dense * perPair));
            long triangle = block * (block + 1L) / 2, square = (long) block * block;
            assertThat(pairs(model, "star:hosts=4", n).computed()).isEqualTo((4 * triangle + 3 * square) * perPair);
            long two = 2L * block * (2 * block + 1) / 2;
            assertThat(pairs(model, "star:hosts=4:anchor=again", n).computed())
                    .isEqualTo((triangle + 3 * two) * perPair);
            String apb = "apb:hosts=4:anchor=" + anchor + ":passing=" + passing + ":question=apart:compressor=recent";
            // The first block has the anchor in it; the h-th sees what h before it pass on.
            long blocks = 0, alone = 0;
            for (int h = 0; h < 4; h++) {
                blocks += triangle + (h == 0 ? 0 : (long) block * anchor) + (long) block * passing * h;
                int rows = h == 0 ? block : block + anchor;
                alone += rows * (rows + 1L) / 2 + (long) block * passing * h;
            }
            assertThat(pairs(model, apb, n).computed()).isEqualTo(blocks * perPair);
            assertThat(pairs(model, apb + ":hosts-share=nothing", n).computed()).isEqualTo(alone * perPair);
        }
    }

    private static Pairs pairs(BareModel model, String spec, int tokens) {
        Pairs before = model.forward().pairs();
        read(model, method(spec), text(tokens));
        return model.forward().pairs().since(before);
    }

    /** A chunk of one layer with keys and queries at random. */
    private static final class Chunk implements AutoCloseable {
        final Heads heads;
        final int before;
        final int count;
        final float[] q;
        final float[] k;
        final KvCache cache;
        final Workers workers = new Workers(2);
        final ExactAttention exact = new ExactAttention(workers);

        Chunk(Heads heads, int before, int count, long seed) {
            this.heads = heads;
            this.before = before;
            this.count = count;
            Random random = new Random(seed);
            int width = heads.kvHeads() * heads.headDim();
            q = gaussians(random, (count + 3) * heads.heads() * heads.headDim(), 1.5);
            k = gaussians(random, (before + count) * width, 1);
            cache = new KvCache(
                    List.of(new LayerCache(heads.kvHeads(), heads.headDim(), 0, FloatFormat.F32, FloatFormat.F32)));
            cache.reserve(before + count);
            float[] v = new float[width];
            for (int t = 0; t < before + count; t++) {
                cache.put(0, t, k, t * width, v, 0);
                if (t == before - 1) {
                    cache.commit(before);
                }
            }
        }

        static float[] gaussians(Random random, int n, double size) {
            float[] x = new float[n];
            for (int i = 0; i < n; i++) {
                x[i] = (float) (size * random.nextGaussian());
            }
            return x;
        }

        int tokens() {
            return before + count;
        }

        /** Rows that stand behind three others in their step. */
        RowAttention.Rows rows() {
            return new RowAttention.Rows(exact, 0, heads, cache, q, 3, count, new float[q.length], new Cancellation());
        }

        double dot(int head, int row, int token) {
            int headDim = heads.headDim();
            int qAt = ((3 + row) * heads.heads() + head) * headDim;
            int kAt = (token * heads.kvHeads() + head / heads.group()) * headDim;
            double sum = 0;
            for (int d = 0; d < headDim; d++) {
                sum += (double) q[qAt + d] * k[kAt + d];
            }
            return sum;
        }

        @Override
        public void close() {
            workers.close();
            cache.close();
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 1", "0, 64", "0, 100", "512, 512", "1024, 333", "320, 256", "512, 7"})
    void theLastQueriesSumTheirSoftmaxForTokensAndDistances(int before, int count) {
        try (Chunk chunk = new Chunk(new Heads(4, 2, 20, 0), before, count, 3)) {
            LastQueries last = new LastQueries();
            for (int head = 0; head < 4; head++) {
                int tokens = chunk.tokens(), looking = Math.min(64, count);
                double[] columns = new double[tokens], distances = new double[tokens];
                for (int row = count - looking; row < count; row++) {
                    int index = before + row;
                    double[] weights = new double[index + 1];
                    double sum = 0;
                    for (int t = 0; t <= index; t++) {
                        weights[t] = Math.exp(chunk.dot(head, row, t) / Math.sqrt(20));
                        sum += weights[t];
                    }
                    for (int t = 0; t <= index; t++) {
                        columns[t] += weights[t] / sum;
                        distances[index - t] += weights[t] / sum;
                    }
                }
                last.look(chunk.rows(), head);
                for (int t = 0; t < tokens; t++) {
                    assertThat((double) last.columns()[t]).isCloseTo(columns[t], within(1e-5 * looking));
                    assertThat((double) last.distances()[t]).isCloseTo(distances[t], within(1e-5 * looking));
                }
            }
        }
    }

    /** Oracles 21 and 22: what is chosen holds every slash and every vertical, no token twice, and its softmax is what the log-sum-exps say. */
    @ParameterizedTest
    @CsvSource({"0, 100", "512, 512", "1024, 333", "320, 256"})
    void slashesLieInStripsAndVerticalsBesideThem(int before, int count) {
        HeadPattern.VerticalSlash pattern = new HeadPattern.VerticalSlash(50, 130);
        Heads heads = new Heads(4, 2, 16, 0);
        try (Chunk chunk = new Chunk(heads, before, count, 4)) {
            StripChoice choice = new PatternChooser((layer, head) -> pattern).choose(chunk.rows());
            LastQueries last = new LastQueries();
            for (int head = 0; head < 4; head++) {
                last.look(chunk.rows(), head);
                int[] distances = PatternChooser.most(last.distances(), chunk.tokens(), 130, 100);
                int[] columns = PatternChooser.most(last.columns(), chunk.tokens(), 50, 30);
                assertThat(distances).hasSize(Math.min(130, chunk.tokens())).startsWith(0, 1, 2);
                assertThat(columns).hasSize(Math.min(50, chunk.tokens())).startsWith(0, 1, 2);
                for (int row = 0; row < count; row++) {
                    int block = row / 64, index = before + row;
                    for (int distance : distances) {
                        assertThat(distance > index || choice.has(head, block, (index - distance) / 64))
                                .as("query %d at distance %d", index, distance)
                                .isTrue();
                    }
                    for (int token : columns) {
                        boolean single = Arrays.binarySearch(choice.tokens(head, block), token) >= 0;
                        assertThat(token > index || (choice.has(head, block, token / 64) ^ single))
                                .as("query %d at token %d", index, token)
                                .isTrue();
                    }
                }
            }
        }
    }

    @Test
    void placesServeAllChunksOfAsManyTokensAsAStepOfFullHas() {
        HeadPattern.VerticalSlash pattern = new HeadPattern.VerticalSlash(50, 130);
        PatternChooser chooser = new PatternChooser((layer, head) -> pattern);
        Heads heads = new Heads(4, 2, 16, 0);
        long asking = 4L * 64;
        try (Chunk first = new Chunk(heads, 512, 128, 12);
                Chunk second = new Chunk(heads, 640, 128, 12);
                Chunk third = new Chunk(heads, 1024, 128, 12)) {
            chooser.choose(first.rows());
            assertThat(first.exact.scoredPairs()).isEqualTo(asking * 640);
            StripChoice later = chooser.choose(second.rows());
            assertThat(second.exact.scoredPairs()).isZero();
            LastQueries last = new LastQueries();
            last.look(first.rows(), 3);
            for (int token : PatternChooser.most(last.columns(), 640, 50, 30)) {
                assertThat(later.has(3, 1, token / 64) || Arrays.binarySearch(later.tokens(3, 1), token) >= 0)
                        .isTrue();
            }
            chooser.choose(third.rows());
            assertThat(third.exact.scoredPairs()).isEqualTo(asking * 1152);
        }
    }

    @Test
    void firstAndLastTokensMakeAnA() {
        HeadPattern.AShape pattern = new HeadPattern.AShape(70, 130);
        try (Chunk chunk = new Chunk(new Heads(2, 1, 16, 0), 1024, 300, 5)) {
            StripChoice choice = new PatternChooser((layer, head) -> pattern).choose(chunk.rows());
            for (int row = 0; row < 300; row++) {
                int index = 1024 + row, block = row / 64, first = 1024 + block * 64;
                for (int t = 0; t <= index; t++) {
                    boolean seen = choice.has(1, block, t / 64);
                    assertThat(seen || (t >= 70 && t <= index - 130)).isTrue();
                    // Whole strips, and the same for all queries of a block.
                    assertThat(!seen || t < 128 || t > first - 130 - 64).isTrue();
                }
            }
            assertThat(chunk.exact.scoredPairs()).isZero();
        }
    }

    @Test
    void blocksAreThoseOfTheLargestProductsOfMeans() {
        HeadPattern.BlockSparse pattern = new HeadPattern.BlockSparse(4);
        Heads heads = new Heads(4, 2, 16, 0);
        try (Chunk chunk = new Chunk(heads, 1024, 300, 6)) {
            StripChoice choice = new PatternChooser((layer, head) -> pattern).choose(chunk.rows());
            for (int head = 0; head < 4; head++) {
                for (int block = 0; block < 5; block++) {
                    int diagonal = 16 + block, rows = Math.min(64, 300 - block * 64);
                    List<Integer> strips = new ArrayList<>();
                    double[] products = new double[diagonal];
                    for (int strip = 0; strip < diagonal; strip++) {
                        strips.add(strip);
                        for (int row = 0; row < rows; row++) {
                            for (int t = 0; t < 64; t++) {
                                products[strip] += chunk.dot(head, block * 64 + row, strip * 64 + t);
                            }
                        }
                    }
                    strips.sort(Collections.reverseOrder((a, b) -> Double.compare(products[a], products[b])));
                    List<Integer> expected = new ArrayList<>(strips.subList(0, 3));
                    expected.add(diagonal);
                    for (int strip = 0; strip < choice.strips(); strip++) {
                        assertThat(choice.has(head, block, strip)).isEqualTo(expected.contains(strip));
                    }
                }
            }
        }
    }

    /** Algorithm 1 of XAttention, written out. */
    @ParameterizedTest
    @CsvSource({"8, 0, 100", "16, 0, 512", "8, 512, 512", "16, 1024, 333", "8, 320, 256", "16, 576, 250", "8, 512, 1"})
    void blocksAreThoseOfTheLargestAntidiagonalSums(int stride, int before, int count) {
        Heads heads = new Heads(6, 2, 20, 0);
        double threshold = 0.7;
        try (Chunk chunk = new Chunk(heads, before, count, 7)) {
            StripChoice choice = new AntidiagonalChooser(stride, threshold).choose(chunk.rows());
            int keys = Math.ceilDiv(chunk.tokens(), 128);
            int close = 0;
            for (int head = 0; head < 6; head++) {
                for (int block = 0; block < Math.ceilDiv(count, 128); block++) {
                    double[] mass = new double[keys];
                    int vectors = 0;
                    for (int row = block * 128; row < Math.min(count, (block + 1) * 128); row += stride, vectors++) {
                        addSoftmax(chunk, head, row, stride, mass);
                    }
                    int first = before + block * 128, last = before + Math.min(count, (block + 1) * 128) - 1;
                    boolean[] chosen =
                            AntidiagonalChooser.chosen(Arrays.copyOf(mass, last / 128 + 1), first / 128, threshold);
                    double kept = 0;
                    for (int key = 0; key < chosen.length; key++) {
                        boolean has = choice.has(head, block * 2, key * 2);
                        kept += has ? mass[key] : 0;
                        close += has == chosen[key] ? 0 : 1;
                        if (key * 2 + 1 < choice.strips()) {
                            assertThat(choice.has(head, block * 2, key * 2 + 1)).isEqualTo(has);
                        }
                    }
                    assertThat(kept).isGreaterThan((threshold - 1e-5) * vectors);
                }
            }
            assertThat(close).as("choices that rounding has turned").isLessThan(2);
        }
    }

    /** The softmax of one vector of queries over vectors of keys, added to the blocks of these. */
    private static void addSoftmax(Chunk chunk, int head, int row, int stride, double[] mass) {
        int begin = chunk.before + row;
        double[] weights = new double[begin / stride + 1];
        double sum = 0;
        for (int vector = 0; vector < weights.length; vector++) {
            double score = 0;
            for (int t = 0; t < stride; t++) {
                int query = row + stride - 1 - t, key = vector * stride + t;
                if (query < chunk.count && key < chunk.tokens()) {
                    score += chunk.dot(head, query, key);
                }
            }
            weights[vector] = Math.exp(score / (Math.sqrt(chunk.heads.headDim()) * stride));
            sum += weights[vector];
        }
        for (int vector = 0; vector < weights.length; vector++) {
            mass[vector * stride / 128] += weights[vector] / sum;
        }
    }

    @Test
    void theFirstBlockAndTheDiagonalAreAlwaysChosenAndThenTheLargest() {
        double[] mass = {0.01, 0.3, 0.05, 0.2, 0.3, 0.04, 0.1};
        assertThat(AntidiagonalChooser.chosen(mass, 6, 0.1))
                .containsExactly(true, false, false, false, false, false, true);
        assertThat(AntidiagonalChooser.chosen(mass, 6, 0.4))
                .containsExactly(true, true, false, false, false, false, true);
        assertThat(AntidiagonalChooser.chosen(mass, 6, 0.9))
                .containsExactly(true, true, false, true, true, false, true);
        assertThat(AntidiagonalChooser.chosen(mass, 5, 0.1))
                .containsExactly(true, false, false, false, false, true, true);
        assertThat(AntidiagonalChooser.chosen(new double[] {1, 0, 0, 0}, 3, 1)).doesNotContain(false);
    }

    @Test
    void patternsAreKeptAsTables() {
        HeadPatterns patterns = new HeadPatterns(List.of(
                List.of(new HeadPattern.AShape(1024, 4096), new HeadPattern.VerticalSlash(30, 2048)),
                List.of(new HeadPattern.BlockSparse(100), new HeadPattern.VerticalSlash(3000, 200))));
        List<Calibration.Table> tables = patterns.tables();
        assertThat(HeadPatterns.of(kept(tables))).isEqualTo(patterns);
        Prefill prefill = calibrated(tables);
        assertThat(prefill.name()).isEqualTo("minference:calibrated=yes");
        assertThat(prefill.dependsOn(100))
                .containsEntry("patterns", Long.toHexString(kept(tables).sum()));
        LayerCache layer = new LayerCache(2, 32, 0, FloatFormat.F16, FloatFormat.F16);
        prefill.requireFit(List.of(layer, layer));
        assertThatThrownBy(() -> prefill.requireFit(List.of(layer)))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("made for another model");
        assertThatThrownBy(() -> method("minference:vertical=3:calibrated=yes"))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("cannot be given beside it");
    }

    @Test
    void tablesThatAreNoPatternsAreRefused() {
        float[] good = {0, 1024, 4096, 2, 100, 0};
        assertThat(HeadPatterns.of(kept(List.of(table(0, 3, good)))).layers().getFirst())
                .containsExactly(new HeadPattern.AShape(1024, 4096), new HeadPattern.BlockSparse(100));
        List<List<Calibration.Table>> bad = List.of(
                List.of(),
                List.of(table(1, 3, good)),
                List.of(table(0, 2, good)),
                List.of(table(0, 3, good), table(1, 3, 0, 1, 1)),
                List.of(table(0, 3, 0, 1024, 0)),
                List.of(table(0, 3, 1, -5, 3)),
                List.of(table(0, 3, 1, 2.5f, 3)),
                List.of(table(0, 3, 1, Float.NaN, 3)),
                List.of(table(0, 3, 1, 1 << 25, 3)),
                List.of(table(0, 3, 3, 1, 1)),
                List.of(table(0, 3, 0.5f, 1, 1)));
        for (List<Calibration.Table> tables : bad) {
            assertThatThrownBy(() -> HeadPatterns.of(kept(tables)))
                    .isInstanceOf(BadModelFileException.class)
                    .hasMessageContaining("patterns of heads")
                    .hasMessageContaining("lectern calibrate minference");
        }
    }

    private static Calibration.Table table(int layer, int columns, float... numbers) {
        return new Calibration.Table(
                "layers." + layer + ".patterns", List.of(numbers.length / columns, columns), numbers);
    }

    @Test
    void budgetsAreInProportionToShorterTexts() {
        assertThat(new HeadPattern.VerticalSlash(1000, 6096).of(8192))
                .isEqualTo(new HeadPattern.VerticalSlash(63, 381));
        assertThat(new HeadPattern.AShape(1024, 4096).of(200_000)).isEqualTo(new HeadPattern.AShape(1024, 4096));
        assertThat(new HeadPattern.BlockSparse(100).of(1)).isEqualTo(new HeadPattern.BlockSparse(1));
    }

    /** Heads whose keys are made so that each pattern keeps the most for one of them. */
    @Test
    void theSearchFindsThePatternThatAHeadWasMadeWith() {
        Heads heads = new Heads(3, 3, 32, 0);
        int tokens = 8192, before = tokens - 512;
        try (Chunk chunk = new Chunk(heads, before, 512, 8)) {
            Arrays.fill(chunk.q, 0);
            Random random = new Random(9);
            int[] single = random.ints(150, 0, before).toArray();
            float[] v = new float[3 * 32];
            chunk.cache.truncate(0);
            chunk.cache.reserve(tokens);
            for (int t = 0; t < tokens; t++) {
                float[] key = new float[3 * 32];
                // Head 0: half of the softmax at the first tokens, in a block that is poor otherwise, half at the last,
                // e times
                // less for 150 tokens. Head 1: few tokens. Head 2: one of 32 directions for each block of 64.
                double score = t < 4 ? tokens / 150.0 + 2 : t < 64 ? -100 : t / 150.0;
                key[0] = (float) (score * Math.sqrt(32) / 10);
                for (int token : single) {
                    key[32] = token == t ? 10 : key[32];
                }
                key[64 + (t / 64 * 7 + 3) % 32] = 10;
                chunk.cache.put(0, t, key, 0, v, 0);
                if (t == before - 1) {
                    chunk.cache.commit(before);
                }
            }
            for (int row = 3; row < 515; row++) {
                chunk.q[row * 96] = 10;
                chunk.q[row * 96 + 32] = 10;
                chunk.q[row * 96 + 64 + (row - 3) / 64 * 3] = 10;
            }
            MInferenceSearch search = new MInferenceSearch();
            search.begin(tokens);
            search.attend(chunk.rows());
            assertThat(search.patterns().layers())
                    .containsExactly(List.of(
                            new HeadPattern.AShape(1024, 4096),
                            new HeadPattern.VerticalSlash(3000, 200),
                            new HeadPattern.BlockSparse(100)));
        }
    }

    @Test
    void theSearchReadsExactlyAndGivesTheSameOnAnyNumberOfThreads() {
        int[] text = text(4200);
        List<HeadPatterns> found = new ArrayList<>();
        for (int threads = 1; threads <= 2; threads++) {
            try (BareModel model = new BareModel(TINY.resolve("llama3"), threads)) {
                MInferenceSearch search = new MInferenceSearch();
                assertSame(read(model, search, text, text(5)), read(model, new Full(), text, text(5)));
                found.add(search.patterns());
                assertThat(found.getLast().layers()).hasSize(model.config().layers());
                assertThat(found.getLast().layers().getFirst())
                        .hasSize(model.config().heads());
                MInferenceSearch idle = new MInferenceSearch();
                assertSame(read(model, idle, text(4095)), read(model, new Full(), text(4095)));
                assertThatThrownBy(idle::tables)
                        .isInstanceOf(LecternException.class)
                        .hasMessageContaining("No text has as many as 4096 tokens");
            }
        }
        assertThat(found.get(1)).isEqualTo(found.get(0));
    }
}
