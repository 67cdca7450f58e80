package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kv.FloatFormat;
import dev.lectern.kv.KvSide;
import dev.lectern.kv.Page;
import dev.lectern.model.Config;
import dev.lectern.prefill.Sequence;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What observers of attention are told, on tiny models. All is compared bit for bit: an observer sees the engine's own numbers. */
class AttentionObserverTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final SessionOptions F32 = SessionOptions.DEFAULT.withKv("f32");
    /** All that the tiny GPT-2 has positions for. */
    private static final int TOKENS = 80;

    /** What was told of one token in one layer. */
    private record Told(int layer, int position, float[] q, float[] k, float[] v) {}

    /** Keeps a copy of everything. */
    private static final class Memory implements AttentionObserver {
        final List<Told> projected = new ArrayList<>();
        final List<Told> attended = new ArrayList<>(); // v is the output
        private final AttentionShape shape;

        Memory(AttentionShape shape) {
            this.shape = shape;
        }

        @Override
        public void projected(
                int layer, int firstPosition, int rows, float[] q, int qAt, float[] k, int kAt, float[] v, int vAt) {
            for (int row = 0; row < rows; row++) {
                projected.add(new Told(
                        layer,
                        firstPosition + row,
                        row(q, qAt, row, shape.heads()),
                        row(k, kAt, row, shape.kvHeads()),
                        row(v, vAt, row, shape.kvHeads())));
            }
        }

        @Override
        public void attended(
                int layer,
                int firstPosition,
                int rows,
                float[] q,
                int qAt,
                float[] k,
                int kAt,
                float[] out,
                int outAt) {
            for (int row = 0; row < rows; row++) {
                attended.add(new Told(
                        layer,
                        firstPosition + row,
                        row(q, qAt, row, shape.heads()),
                        row(k, kAt, row, shape.kvHeads()),
                        row(out, outAt, row, shape.heads())));
            }
        }

        private float[] row(float[] x, int at, int row, int heads) {
            int width = heads * shape.headDim();
            return Arrays.copyOfRange(x, at + row * width, at + (row + 1) * width);
        }

        List<Integer> positions(List<Told> told, int layer) {
            return told.stream()
                    .filter(t -> t.layer() == layer)
                    .map(Told::position)
                    .toList();
        }
    }

    private static Model open(String name) {
        return Model.open(TINY.resolve(name), ModelOptions.DEFAULT.withThreads(2));
    }

    private static int[] prompt(int n) {
        return new Random(n).ints(n, 0, 250).toArray();
    }

    private static void read(Session session, int... tokens) {
        session.read(tokens, Progress.NONE, new Cancellation());
    }

    private static Memory observe(Model model, Session session) {
        Memory memory = new Memory(model.attentionShape());
        session.observe(memory);
        return memory;
    }

    private static List<Integer> upTo(int n) {
        return IntStream.range(0, n).boxed().toList();
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 7, TOKENS})
    void everyTokenIsToldOnceInEachLayerHoweverItIsRead(int part) {
        try (Model model = open("llama3");
                Session session = model.newSession(F32)) {
            Memory memory = observe(model, session);
            int[] prompt = prompt(TOKENS);
            for (int from = 0; from < TOKENS; from += part) {
                read(session, Arrays.copyOfRange(prompt, from, Math.min(TOKENS, from + part)));
            }
            assertThat(model.attentionShape().layers()).isGreaterThan(1);
            for (int layer = 0; layer < model.attentionShape().layers(); layer++) {
                assertThat(memory.positions(memory.projected, layer)).isEqualTo(upTo(TOKENS));
                assertThat(memory.positions(memory.attended, layer)).isEqualTo(upTo(TOKENS));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "llama2-f32.gguf", "qwen3", "mistral-window", "gpt2"})
    void keysAndValuesAreThoseOfTheCacheAndKeysAreRotatedBetween(String name) {
        try (BareModel model = new BareModel(TINY.resolve(name), 2)) {
            Config config = model.config();
            Memory memory = new Memory(
                    new AttentionShape(config.heads(), config.kvHeads(), config.headDim(), config.windows()));
            try (Sequence sequence = model.sequence(FloatFormat.F32).observedBy(memory)) {
                model.read(sequence, prompt(TOKENS), 33, (first, rows, logits, at) -> {});
                assertThat(memory.projected).hasSize(config.layers() * TOKENS).hasSameSizeAs(memory.attended);
                float[] angles = new float[2 * sequence.rope().pairs()];
                for (int i = 0; i < memory.projected.size(); i++) {
                    Told before = memory.projected.get(i), after = memory.attended.get(i);
                    Page page = sequence.cache().page(after.layer(), after.position() / Page.TOKENS);
                    assertThat(after.k()).isEqualTo(stored(page.keys(), after.position(), config));
                    assertThat(before.v()).isEqualTo(stored(page.values(), before.position(), config));
                    sequence.rope().angles(before.position(), angles, 0);
                    sequence.rope().rotate(before.k(), 0, config.kvHeads(), config.headDim(), angles, 0);
                    sequence.rope().rotate(before.q(), 0, config.heads(), config.headDim(), angles, 0);
                    assertThat(after.k()).isEqualTo(before.k());
                    assertThat(after.q()).isEqualTo(before.q());
                }
            }
        }
    }

    /** One token of a page, {@code [kvHeads][headDim]}. */
    private static float[] stored(KvSide side, int token, Config config) {
        int headDim = config.headDim(), tile = AttentionTiles.TILE;
        float[] row = new float[config.kvHeads() * headDim];
        for (int head = 0; head < config.kvHeads(); head++) {
            float[] rows = new float[tile * headDim];
            side.rows(head, token % Page.TOKENS / tile, rows, 0, headDim);
            System.arraycopy(rows, token % tile * headDim, row, head * headDim, headDim);
        }
        return row;
    }

    @ParameterizedTest
    @ValueSource(strings = {"llama3", "qwen2", "gpt2", "mqa"})
    void theFirstTokenGetsItsOwnValueInEachHeadOfAGroup(String name) {
        try (Model model = open(name);
                Session session = model.newSession(F32)) {
            Memory memory = observe(model, session);
            read(session, prompt(20));
            AttentionShape shape = model.attentionShape();
            for (int i = 0; i < memory.attended.size(); i++) {
                if (memory.attended.get(i).position() > 0) {
                    continue;
                }
                float[] v = memory.projected.get(i).v(),
                        out = memory.attended.get(i).v();
                for (int head = 0; head < shape.heads(); head++) {
                    int kvHead = head / shape.group();
                    assertThat(Arrays.copyOfRange(out, head * shape.headDim(), (head + 1) * shape.headDim()))
                            .isEqualTo(Arrays.copyOfRange(v, kvHead * shape.headDim(), (kvHead + 1) * shape.headDim()));
                }
            }
        }
    }

    @Test
    void observingChangesNoBit() {
        try (Model model = open("qwen2");
                Session observed = model.newSession(F32);
                Session alone = model.newSession(F32)) {
            Memory memory = observe(model, observed);
            for (Session session : List.of(observed, alone)) {
                read(session, prompt(TOKENS));
                read(session, 5);
            }
            assertThat(memory.attended).isNotEmpty();
            assertThat(observed.logits()).isEqualTo(alone.logits());
        }
    }

    @Test
    void besideOthersInAStepIsToldWhatIsToldAlone() {
        try (Model model = open("llama3");
                Session alone = model.newSession(F32);
                Session first = model.newSession(F32);
                Session second = model.newSession(F32)) {
            read(first, 1, 2, 3);
            read(second, prompt(20));
            read(alone, prompt(20));
            Memory ofAlone = observe(model, alone), ofSecond = observe(model, second);
            read(alone, 7);
            model.step(List.of(first, second), new int[] {9, 7}, new Cancellation());
            assertThat(ofSecond.projected).hasSize(model.attentionShape().layers());
            assertThat(ofSecond.projected).usingRecursiveComparison().isEqualTo(ofAlone.projected);
            assertThat(ofSecond.attended).usingRecursiveComparison().isEqualTo(ofAlone.attended);
        }
    }

    @Test
    void forksAreNotObservedAndAnObserverCanBeTakenAway() {
        try (Model model = open("llama3");
                Session session = model.newSession(F32)) {
            Memory memory = observe(model, session);
            read(session, prompt(10));
            try (Session fork = session.fork()) {
                read(fork, 1, 2, 3);
            }
            assertThat(memory.positions(memory.attended, 0)).isEqualTo(upTo(10));
            // Of three answers only the first is the session's own; its last token is not read.
            GenerateOptions options = GenerateOptions.DEFAULT.withMaxTokens(5).withIgnoreEnd(true);
            session.generate(3, options, TokenListener.NONE, new Cancellation());
            assertThat(memory.positions(memory.attended, 0)).isEqualTo(upTo(14));
            session.observe(null);
            read(session, 1, 2, 3);
            assertThat(memory.positions(memory.attended, 0)).isEqualTo(upTo(14));
        }
    }

    @Test
    void anObserverThatFailsEndsTheReadingAndNothingIsRead() {
        try (Model model = open("llama3");
                Session session = model.newSession(F32)) {
            read(session, 1, 2, 3);
            float[] before = session.logits();
            session.observe(new AttentionObserver() {
                @Override
                public void projected(
                        int layer, int first, int n, float[] q, int a, float[] k, int b, float[] v, int c) {
                    throw new IllegalStateException("enough");
                }
            });
            assertThatThrownBy(() -> read(session, 4, 5)).hasMessage("enough");
            assertThat(session.length()).isEqualTo(3);
            assertThat(session.logits()).isEqualTo(before);
        }
    }
}
