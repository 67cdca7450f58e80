package dev.lectern.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * SentencePiece-BPE: the symbols are characters, a space is written ▁; a character that the vocabulary lacks is spelt by
 * its UTF-8 bytes ({@code <0xE2>}), or, without such tokens, becomes the unknown token.
 *
 * <p>Source: Kudo and Richardson, "SentencePiece", EMNLP 2018 (arXiv 1808.06226).
 */
final class PieceAlphabet implements Alphabet {
    private final Vocabulary vocabulary;
    private final LongIntMap characters;
    private final int[] byteTokens = new int[256];
    private final boolean spellsBytes;
    private final int unknown;
    private final boolean fuseUnknown;

    /**
     * @param byteFallback whether a character that the vocabulary lacks is spelt by its bytes
     * @param unknown the token for a character that cannot be spelt, or −1 to leave it out
     * @param fuseUnknown whether neighbouring unknown characters are one token
     */
    PieceAlphabet(Vocabulary vocabulary, boolean byteFallback, int unknown, boolean fuseUnknown) {
        this.vocabulary = vocabulary;
        this.unknown = unknown;
        this.fuseUnknown = fuseUnknown;
        spellsBytes = byteFallback;
        characters = new LongIntMap(1024);
        Arrays.fill(byteTokens, -1);
        for (int id = 0; id < vocabulary.size(); id++) {
            String token = vocabulary.written(id);
            if (token.isEmpty() || vocabulary.kind(id) != Vocabulary.Kind.TEXT) {
                continue;
            }
            int first = token.codePointAt(0);
            if (token.length() == Character.charCount(first)) {
                characters.put(first, id);
            }
            int value = byteFallback ? byteValue(token) : -1;
            if (value >= 0) {
                byteTokens[value] = id;
            }
        }
    }

    @Override
    public void spell(String text, int from, int to, Merger merger) {
        boolean afterUnknown = false;
        for (int i = from; i < to; ) {
            int c = text.codePointAt(i);
            int id = characters.get(c);
            boolean spelt = true;
            if (id >= 0) {
                merger.add(id, i);
            } else if (!(spellsBytes && spellBytes(c, i, merger))) {
                spelt = false;
                if (unknown >= 0 && !(afterUnknown && fuseUnknown)) {
                    merger.add(unknown, i);
                }
            }
            afterUnknown = !spelt;
            i += Character.charCount(c);
        }
    }

    private boolean spellBytes(int codePoint, int index, Merger merger) {
        byte[] utf8 = Character.toString(codePoint).getBytes(StandardCharsets.UTF_8);
        for (byte b : utf8) {
            if (byteTokens[b & 0xFF] < 0) {
                return false;
            }
        }
        for (byte b : utf8) {
            merger.add(byteTokens[b & 0xFF], index);
        }
        return true;
    }

    @Override
    public String written(String text, int from, int to) {
        return text.substring(from, to);
    }

    @Override
    public byte[] bytes(int token) {
        String written = vocabulary.written(token);
        int value = spellsBytes ? byteValue(written) : -1;
        return value >= 0
                ? new byte[] {(byte) value}
                : written.replace('▁', ' ').getBytes(StandardCharsets.UTF_8);
    }

    /** The byte that {@code <0xE2>} stands for, or −1. */
    static int byteValue(String token) {
        if (token.length() != 6 || !token.startsWith("<0x") || token.charAt(5) != '>') {
            return -1;
        }
        int high = "0123456789ABCDEF".indexOf(token.charAt(3));
        int low = "0123456789ABCDEF".indexOf(token.charAt(4));
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }
}
