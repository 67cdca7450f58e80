package dev.lectern.text;

import java.util.Arrays;

/** What byte-pair encoding has learnt: pairs of tokens, the token that each becomes, and the order of learning (the rank). */
final class Merges {
    private final Vocabulary vocabulary;
    private final LongIntMap ranks;
    private int[] joined;
    private int count;

    Merges(Vocabulary vocabulary, int expected) {
        this.vocabulary = vocabulary;
        ranks = new LongIntMap(expected);
        joined = new int[Math.max(expected, 4)];
    }

    /**
     * Appends the next pair in order of rank; a pair that comes again takes the later place. A pair that would become a
     * control token is left out: text never turns into one.
     */
    void add(int left, int right, int together) {
        if (vocabulary.kind(together) == Vocabulary.Kind.CONTROL) {
            return;
        }
        if (count == joined.length) {
            joined = Arrays.copyOf(joined, Math.multiplyExact(count, 2));
        }
        joined[count] = together;
        ranks.put(LongIntMap.pair(left, right), count);
        count++;
    }

    /** The rank of a pair, or {@link LongIntMap#ABSENT}. */
    int rank(int left, int right) {
        return ranks.get(LongIntMap.pair(left, right));
    }

    /** The token that the pair of this rank becomes. */
    int joined(int rank) {
        return joined[rank];
    }

    /**
     * Whether ▁ is a token and none has it behind another character. Then words that begin with ▁ can be merged apart, which is quicker
     * and gives the same: a pair across their border would become such a token.
     */
    boolean stayWithinWords() {
        if (vocabulary.textId("▁") < 0) {
            return false;
        }
        for (int rank = 0; rank < count; rank++) {
            String together = vocabulary.written(joined[rank]);
            for (int i = 1; i < together.length(); i++) {
                if (together.charAt(i) == '▁' && together.charAt(i - 1) != '▁') {
                    return false;
                }
            }
        }
        return true;
    }
}
