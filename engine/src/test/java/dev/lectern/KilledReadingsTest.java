package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program that reads, keeps and evicts is killed at random moments, with no chance to say goodbye. A few times here; more often with {@code -Dlectern.test.kills=200}.
 */
@DisabledOnOs(OS.WINDOWS)
class KilledReadingsTest {
    private static final int KILLS = Integer.getInteger("lectern.test.kills", 4);
    private static final int TEXTS = 4;
    private static final int TOKENS = 6000;

    /** Without a window, with one, and with pages that end where steps end. */
    private static final List<String> FORMATS = List.of("f16", "chl-4", "chl-8");

    /** Of each text; the last two have an index. */
    private static final List<String> METHODS =
            List.of("dense", "dense", "quest:budget=64", "magicpig:dense=none:k=4:l=20");

    @TempDir
    Path folder;

    private static Model open() {
        return Model.open(
                Path.of("src/test/resources/tiny/llama3"),
                ModelOptions.DEFAULT.withThreads(1).withRopeScaling("linear:factor=64"));
    }

    private static int[] text(int number) {
        return new Random(number).ints(TOKENS - 700 * number, 0, 250).toArray();
    }

    private static SessionOptions options(int number) {
        return SessionOptions.DEFAULT
                .withContext(TOKENS + 100)
                .withKv(FORMATS.get(number % FORMATS.size()))
                .withAttention(METHODS.get(number));
    }

    /** Reads one text after the other, and says what it begins, how far it is, and what it has finished. */
    static final class Reader {
        /** @param args a folder, the number of the first text, and the bytes that may be kept */
        public static void main(String[] args) {
            KeptReadings kept = new KeptReadings(Path.of(args[0]), Long.parseLong(args[2]));
            try (Model model = open()) {
                for (int i = Integer.parseInt(args[1]); ; i++) {
                    int number = i % TEXTS;
                    int[] text = text(number);
                    try (Session session = model.newSession(options(number), text, kept)) {
                        int before = session.length();
                        say("begin " + number + " " + before);
                        session.readRest(
                                (done, total) -> say("read " + number + " " + (before + done)), new Cancellation());
                        kept.name(
                                new KeptDocument(
                                        "text-" + number,
                                        "tiny",
                                        Map.of(),
                                        List.of(),
                                        "",
                                        text,
                                        Map.of(),
                                        Instant.EPOCH),
                                session);
                        say("end " + number);
                        session.index(Progress.NONE, new Cancellation());
                    }
                    if (i % TEXTS == TEXTS - 1) {
                        kept.collect(kept.bytes() / 2);
                        say("evicted");
                    }
                }
            }
        }

        private static void say(String line) {
            System.out.println(line);
        }
    }

    /** The bits of the logits after the text, and after a token that the method of attention looks up. */
    private static int[] bits(Session session) {
        float[] logits = session.logits();
        session.index(Progress.NONE, new Cancellation());
        session.read(new int[] {7}, Progress.NONE, new Cancellation());
        float[] then = session.logits();
        int[] bits = new int[2 * logits.length];
        Arrays.setAll(bits, i -> Float.floatToRawIntBits(i % 2 == 0 ? logits[i / 2] : then[i / 2]));
        return bits;
    }

    @Test
    void whatIsKeptIsWholeWheneverTheReaderIsKilled() throws Exception {
        Path kv = folder.resolve("kv");
        long seed = System.nanoTime();
        Random random = new Random(seed);
        try (Model model = open()) {
            List<int[]> expected = new ArrayList<>();
            for (int number = 0; number < TEXTS; number++) {
                try (Session session = model.newSession(options(number))) {
                    session.read(text(number), Progress.NONE, new Cancellation());
                    expected.add(bits(session));
                }
            }
            for (int kill = 0; kill < KILLS; kill++) {
                String where = "seed " + seed + ", kill " + kill;
                boolean crowded = kill % 2 == 1;
                if (kill % 20 == 19) {
                    new KeptReadings(kv, 0).collect(0);
                }
                List<String> said = killed(kv, kill, crowded ? 3_000_000 : Long.MAX_VALUE, random);
                KeptReadings kept = new KeptReadings(kv, Long.MAX_VALUE);
                assertThat(kept.verify(Progress.NONE, new Cancellation()))
                        .as(where)
                        .isEmpty();
                boolean evicted = crowded || said.contains("evicted");
                check(model, kept, said, evicted, expected, where);
            }
        }
    }

    /** Starts a reader, lets it work for a while, and kills it; what it said until then. */
    private static List<String> killed(Path kv, int first, long bytes, Random random)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-XX:TieredStopAtLevel=1",
                        "-cp",
                        System.getProperty("java.class.path"),
                        Reader.class.getName(),
                        kv.toString(),
                        Integer.toString(first),
                        Long.toString(bytes))
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        List<String> said = new ArrayList<>();
        try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
            said.add(String.valueOf(out.readLine()));
            Thread.sleep(random.nextInt(2500));
            process.destroyForcibly();
            out.lines().forEach(said::add);
        } catch (java.io.UncheckedIOException e) {
            said.add("the pipe broke");
        }
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(said.getFirst()).as("it began to work").startsWith("begin ");
        return said;
    }

    private static void check(
            Model model, KeptReadings kept, List<String> said, boolean evicted, List<int[]> expected, String where) {
        Map<Integer, Integer> reached = new HashMap<>();
        Map<Integer, Boolean> ended = new HashMap<>();
        for (String line : said) {
            String[] words = line.split(" ", -1);
            if (words[0].equals("read") && words.length == 3) {
                reached.put(Integer.valueOf(words[1]), Integer.valueOf(words[2]));
            } else if (words[0].equals("end") && words.length == 2) {
                ended.put(Integer.valueOf(words[1]), true);
            }
        }
        for (int number = 0; number < TEXTS; number++) {
            try (Session session = model.newSession(options(number), text(number), kept)) {
                Recall recall = session.recalled();
                if (!evicted && ended.containsKey(number)) {
                    assertThat(recall.outcome())
                            .as("%s, text %d", where, number)
                            .isEqualTo(Recall.Outcome.HIT);
                    assertThat(Arrays.equals(kept.document("text-" + number).tokens(), text(number)))
                            .isTrue();
                } else if (!evicted && reached.containsKey(number)) {
                    // With a window there is a tail every 1024 tokens; the end of a step is not the last of those.
                    int lost = options(number).kv().equals("chl-4") ? 1024 + 512 : 512;
                    assertThat(recall.tokens())
                            .as("%s, text %d", where, number)
                            .isGreaterThanOrEqualTo(Math.min(reached.get(number), TOKENS - 700 * number - 1) - lost);
                }
                session.readRest(Progress.NONE, new Cancellation());
                assertThat(Arrays.equals(bits(session), expected.get(number)))
                        .as("%s: the logits after text %d", where, number)
                        .isTrue();
            }
        }
        assertThat(Files.exists(kept.folder().root())).isTrue();
        if (evicted) {
            kept.collect(0);
        }
    }
}
