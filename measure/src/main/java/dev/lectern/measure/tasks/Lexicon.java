package dev.lectern.measure.tasks;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.UUID;
import java.util.function.IntFunction;
import java.util.function.Supplier;

/** Words and numbers to ask for. */
final class Lexicon {
    static final List<String> ADJECTIVES = words("adjectives.txt");
    static final List<String> NOUNS = words("nouns.txt");

    /** Draws that give nothing new after which names of a length count as used up. While a third of them is left, that happens to none in 10^11. */
    private static final int TRIES = 64;

    private Lexicon() {}

    private static List<String> words(String resource) {
        try (InputStream in = Lexicon.class.getResourceAsStream(resource)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .flatMap(line -> List.of(line.split(" ")).stream())
                    .toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static <T> T one(Random random, List<T> of) {
        return of.get(random.nextInt(of.size()));
    }

    /** An adjective and a noun. */
    static String key(Random random) {
        return one(random, ADJECTIVES) + "-" + one(random, NOUNS);
    }

    /** Seven digits. */
    static String number(Random random) {
        return Integer.toString(1_000_000 + random.nextInt(9_000_000));
    }

    /** A random UUID, of version 4. */
    static String uuid(Random random) {
        long high = random.nextLong() & ~0xf000L | 0x4000L;
        long low = random.nextLong() & 0x3fffffffffffffffL | 0x8000000000000000L;
        return new UUID(high, low).toString();
    }

    /** The next that is not among those known, and makes it known. */
    static String another(Set<String> known, Supplier<String> source) {
        String next = source.get();
        while (!known.add(next)) {
            next = source.get();
        }
        return next;
    }

    /**
     * The next that is not among those known, and makes it known; longer ones where those of one length run out.
     *
     * @param source of names of a length, 1 being the shortest, of which there are more the longer they are
     */
    static String another(Set<String> known, IntFunction<String> source) {
        for (int length = 1; ; length++) {
            for (int i = 0; i < TRIES; i++) {
                String next = source.apply(length);
                if (known.add(next)) {
                    return next;
                }
            }
        }
    }

    static Set<String> nothingKnown() {
        return new HashSet<>();
    }
}
