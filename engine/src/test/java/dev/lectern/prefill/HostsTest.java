package dev.lectern.prefill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.BareModel;
import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.attention.Heads;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.InProcess;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.KvFormats;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several hosts that share a text give the answers of one: bit for bit those of the same method on one, and for exact methods those of exact reading within rounding. */
class HostsTest {
    private static final Path TINY = Path.of("src/test/resources/tiny");
    private static final int LENGTH = 1100;
    private static final int[] TEXT = new Random(5).ints(LENGTH, 0, 250).toArray();
    private static final Optional<Question> QUESTION = Optional.of(new Question(new int[] {7, 3, 9, 11, 4}, 2));
    private static final int[] ASKED = {7, 3, 9, 11, 4, 1};
    private static final int ANSWER = 5;

    /** Logits after the question and after each token of an answer, the likeliest each. */
    private static float[] answer(BareModel model, Sequence sequence, String method, String attention, int[] text) {
        List<float[]> logits = new ArrayList<>();
        read(model, sequence, method, attention, text, logits);
        read(model, sequence, method, attention, ASKED, logits);
        for (int i = 0; i < ANSWER; i++) {
            float[] last = logits.getLast();
            int next = 0;
            for (int token = 1; token < last.length; token++) {
                next = last[token] > last[next] ? token : next;
            }
            read(model, sequence, method, attention, new int[] {next}, logits);
        }
        float[] all = new float[logits.size() * logits.getFirst().length];
        for (int i = 0; i < logits.size(); i++) {
            System.arraycopy(logits.get(i), 0, all, i * logits.get(i).length, logits.get(i).length);
        }
        return all;
    }

    private static void read(
            BareModel model, Sequence sequence, String method, String attention, int[] tokens, List<float[]> into) {
        Prefills.named(method, QUESTION, RandomHeads.SOURCE)
                .read(
                        model.forward(),
                        sequence.attending(DecodeAttentions.named(attention)),
                        tokens,
                        Slice.Logits.LAST,
                        (first, rows, logits, at) -> into.add(Arrays.copyOfRange(
                                logits, at, at + model.config().vocabulary())),
                        Progress.NONE,
                        new Cancellation());
    }

    private static float[] alone(String name, String method, String attention, KvFormat format, int[] text) {
        try (BareModel model = new BareModel(TINY.resolve(name), 2);
                Sequence sequence = model.sequence(format)) {
            return answer(model, sequence, method, attention, text);
        }
    }

    private static float[] shared(
            String name, int hosts, String method, String attention, KvFormat format, int[] text) {
        List<float[]> answers =
                InProcess.run(hosts, new Cancellation(), hosted -> host(name, hosted, method, attention, format, text));
        for (float[] answer : answers) {
            assertThat(Arrays.equals(answer, answers.getFirst())).isTrue();
        }
        return answers.getFirst();
    }

    private static float[] host(
            String name, Communicator hosts, String method, String attention, KvFormat format, int[] text) {
        try (BareModel model = new BareModel(TINY.resolve(name), 1);
                Sequence empty = model.sequence(format)) {
            Sequence sequence = empty.sharedAmong(hosts);
            return answer(model, sequence, method, attention, text);
        }
    }

    private static void assertClose(float[] actual, float[] expected, double tolerance) {
        double most = 0, scale = 0;
        for (int i = 0; i < actual.length; i++) {
            most = Math.max(most, Math.abs(actual[i] - expected[i]));
            scale = Math.max(scale, Math.abs(expected[i]));
        }
        assertThat(most / scale).isLessThan(tolerance);
    }

    @ParameterizedTest
    @CsvSource({
        "qwen2, ring, 1",
        "qwen2, ring, 2",
        "qwen2, ring, 3",
        "qwen2, ring, 5",
        "qwen2, ring:layout=contiguous, 4",
        "qwen2, ulysses, 2",
        "qwen2, ulysses, 4",
        "llama2, ulysses, 2",
        "mqa, ulysses, 2",
        "llama3, ring, 4",
    })
    void exactMethodsReadExactly(String name, String method, int hosts) {
        KvFormat f32 = KvFormats.named("f32").keys();
        assertClose(shared(name, hosts, method, "dense", f32, TEXT), alone(name, "full", "dense", f32, TEXT), 1e-4);
    }

    @ParameterizedTest
    @ValueSource(ints = {1, 2, 255, 256, 257, 511, 513, 700})
    void shortTextsToo(int length) {
        KvFormat f32 = KvFormats.named("f32").keys();
        int[] text = Arrays.copyOf(TEXT, length);
        float[] exact = alone("qwen2", "full", "dense", f32, text);
        assertClose(shared("qwen2", 3, "ring", "dense", f32, text), exact, 1e-4);
        String everything = "apb:question=apart:compressor=recent:passing=100000";
        assertClose(shared("qwen2", 3, everything, "dense", f32, text), exact, 1e-4);
    }

    @Test
    void aHostWithoutTokensBoundsNoErrors() {
        KvFormat f32 = KvFormats.named("f32").keys();
        int[] text = Arrays.copyOf(TEXT, 200);
        float[] exact = alone("qwen2", "full", "dense", f32, text);
        assertClose(shared("qwen2", 3, "ring", "pps:budget=100%:error=0.5", f32, text), exact, 1e-4);
    }

    @ParameterizedTest
    @CsvSource({
        "1, 2, apb:anchor=1024",
        "253, 2, apb:anchor=1024",
        "256, 3, apb:anchor=1024",
        "250, 2, apb:anchor=1024:hosts-share=nothing",
        "250, 3, star:anchor=again",
        "257, 2, apb:anchor=1024",
        "513, 5, apb:anchor=300:passing=20",
    })
    void shortTextsHaveAnchorsToo(int length, int hosts, String method) {
        KvFormat f32 = KvFormats.named("f32").keys();
        int[] text = Arrays.copyOf(TEXT, length);
        float[] one = alone("qwen2", method + ":hosts=" + hosts, "dense", f32, text);
        assertClose(shared("qwen2", hosts, method, "dense", f32, text), one, 1e-4);
    }

    @ParameterizedTest
    @CsvSource({
        "star, 3, f32",
        "star:anchor=again, 3, f16",
        "apb, 3, f32",
        "apb, 5, f16",
        "apb:question=apart, 4, f16",
        "apb:hosts-share=nothing, 3, bf16",
        "apb:compressor=random:anchor=40:passing=33, 5, f16",
        "apb:question=apart:compressor=recent:anchor=0, 2, f16",
        "apb:question=apart:compressor=recent:anchor=0:hosts-share=nothing, 3, f32",
        "apb:question=apart:compressor=heads, 3, f16",
        "apb:compressor=heads:anchor=40:passing=33, 5, bf16",
    })
    void blocksOnHostsAreBlocksOneAfterAnother(String method, int hosts, String format) {
        KvFormat kv = KvFormats.named(format).keys();
        assertStored(method, hosts, kv);
        float[] one = alone("qwen2", method + ":hosts=" + hosts, "dense", kv, TEXT);
        assertClose(shared("qwen2", hosts, method, "dense", kv, TEXT), one, 1e-4);
    }

    /** Keys and values bit for bit. */
    private static void assertStored(String method, int hosts, KvFormat kv) {
        try (BareModel model = new BareModel(TINY.resolve("qwen2"), 2);
                Sequence sequence = model.sequence(kv)) {
            read(model, sequence, method + ":hosts=" + hosts, "dense", TEXT, new ArrayList<>());
            float[] expected = StoredNumbers.of(sequence, 0, LENGTH);
            List<float[]> parts = InProcess.run(hosts, new Cancellation(), hosted -> {
                try (BareModel own = new BareModel(TINY.resolve("qwen2"), 1);
                        Sequence empty = own.sequence(kv)) {
                    Sequence mine = empty.sharedAmong(hosted);
                    read(own, mine, method, "dense", TEXT, new ArrayList<>());
                    return StoredNumbers.of(mine, 0, mine.cache().length());
                }
            });
            int tokens = 0;
            for (float[] part : parts) {
                int count = part.length / (expected.length / LENGTH);
                float[] same = StoredNumbers.of(sequence, tokens, tokens + count);
                assertThat(Arrays.equals(part, same))
                        .as("host's tokens from %d on", tokens)
                        .isTrue();
                tokens += count;
            }
            assertThat(tokens).isEqualTo(LENGTH);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"bf16", "chl-4", "int8", "hf-int4:group=16", "kivi-4:group=16"})
    void everyFormatOfTheCacheWorks(String format) {
        KvFormat kv = KvFormats.named(format).values();
        float[] exact = alone("qwen2", "full", "dense", KvFormats.named("f32").keys(), TEXT);
        assertClose(shared("qwen2", 3, "ring", "dense", kv, TEXT), exact, .5);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"topk:budget=100%", "quest:budget=100%", "pps:budget=100%", "window:window=100000", "topp:p=1"})
    void withABudgetOfEverythingEveryMethodIsDense(String attention) {
        KvFormat f32 = KvFormats.named("f32").keys();
        float[] dense = alone("qwen2", "full", "dense", f32, TEXT);
        assertClose(shared("qwen2", 3, "ring", attention, f32, TEXT), dense, 1e-4);
    }

    /** What is sent and received of a layer at least, and what comes from others. */
    @ParameterizedTest
    @ValueSource(strings = {"ring", "ring:layout=contiguous", "ulysses", "star", "apb", "apb:compressor=heads"})
    void whatAHostHoldsBesideItsPartIsCounted(String method) {
        KvFormat f32 = KvFormats.named("f32").keys();
        List<LayerCache> layers = Collections.nCopies(2, new LayerCache(2, 16, 0, f32, f32));
        Heads heads = new Heads(4, 2, 16, 0);
        Prefill prefill = Prefills.named(method, QUESTION, RandomHeads.SOURCE);
        int rows = prefill.rowsOfHost(LENGTH, 2);
        assertThat(rows).isBetween(LENGTH / 2, LENGTH / 2 + 2 * Page.TOKENS + 2 * 5 + 300);
        long least = method.startsWith("r") || method.startsWith("u")
                ? 3 * ChosenTokens.wireBytes(layers.getFirst(), LENGTH / 2)
                : 1;
        assertThat(prefill.bytesOfHost(layers, heads, LENGTH, 2)).isBetween(least, 40 * 2L * LENGTH * 32 * Float.BYTES);
    }

    @Test
    void whatDoesNotDivideIsASentence() {
        KvFormat f32 = KvFormats.named("f32").keys();
        assertThatThrownBy(() -> shared("qwen2", 5, "ulysses", "dense", f32, TEXT))
                .isInstanceOf(LecternException.class)
                .hasMessageContaining("do not divide among 5: use another number of hosts, or ring");
    }
}
