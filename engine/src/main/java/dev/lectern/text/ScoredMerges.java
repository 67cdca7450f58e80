package dev.lectern.text;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Quoted;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The merges of a SentencePiece vocabulary that lists only scores: every way to make a token from two others, the best
 * token first, and for one token the pair with the better left half, then right half, first. This is the order in which
 * Hugging Face converts such a vocabulary.
 */
final class ScoredMerges {
    /** Characters to look up in all: the square of every token's length. Real vocabularies need a hundredth of it. */
    private static final long MOST_WORK = 1L << 30;

    private record Pair(int left, int right) {}

    private ScoredMerges() {}

    /** @param scores one for every id */
    static Merges of(Vocabulary vocabulary, float[] scores) {
        List<Integer> byScore = new ArrayList<>();
        long work = 0;
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.written(id);
            if (token.length() < 2
                    || vocabulary.kind(id) != Vocabulary.Kind.TEXT
                    || PieceAlphabet.byteValue(token) >= 0) {
                continue;
            }
            byScore.add(id);
            work += (long) token.length() * token.length();
            if (work > MOST_WORK) {
                throw new BadModelFileException(
                        vocabulary.file(),
                        "the tokens in metadata \"tokenizer.ggml.tokens\" are too long to find their merges, as of "
                                + Quoted.of(token) + "; a file with \"tokenizer.ggml.merges\" would do.");
            }
        }
        byScore.sort(Comparator.comparingDouble(id -> 0.0 - scores[id]));
        Comparator<Pair> better = Comparator.<Pair>comparingDouble(pair -> 0.0 - scores[pair.left()])
                .thenComparingDouble(pair -> 0.0 - scores[pair.right()]);
        Merges merges = new Merges(vocabulary, byScore.size() * 2);
        for (int id : byScore) {
            String token = vocabulary.written(id);
            List<Pair> pairs = new ArrayList<>();
            for (int i = 1; i < token.length(); i++) {
                int left = vocabulary.id(token.substring(0, i));
                int right = left < 0 ? -1 : vocabulary.id(token.substring(i));
                if (right >= 0) {
                    pairs.add(new Pair(left, right));
                }
            }
            pairs.sort(better);
            for (Pair pair : pairs) {
                merges.add(pair.left(), pair.right(), id);
            }
        }
        return merges;
    }
}
