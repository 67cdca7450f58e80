package dev.lectern.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * Byte-level BPE: the symbols are the 256 bytes of UTF-8, which the vocabulary writes as printable characters (a space is
 * Ġ). A byte that the vocabulary lacks is left out of the text, as Hugging Face does: SmolLM has no token for six control
 * characters.
 *
 * <p>Source: Radford et al., "Language Models are Unsupervised Multitask Learners" (GPT-2), 2019, section 2.2, and its
 * published encoder.
 */
final class ByteAlphabet implements Alphabet {
    private static final char[] CHARACTERS = characters();
    private static final short[] BYTES = bytesOfCharacters();

    private final Vocabulary vocabulary;
    private final int[] ids = new int[256];

    /** @param unknown the token for a byte that the vocabulary lacks, or −1 */
    ByteAlphabet(Vocabulary vocabulary, int unknown) {
        this.vocabulary = vocabulary;
        for (int b = 0; b < 256; b++) {
            int id = vocabulary.textId(String.valueOf(CHARACTERS[b]));
            ids[b] = id < 0 ? unknown : id;
        }
    }

    @Override
    public void spell(String text, int from, int to, Merger merger) {
        for (int i = from; i < to; i++) {
            char c = text.charAt(i);
            if (c < 0x80) {
                add(c, i, merger);
            } else if (c < 0x800) {
                add(0xC0 | c >> 6, i, merger);
                add(0x80 | c & 0x3F, i, merger);
            } else if (!Character.isSurrogate(c)) {
                add(0xE0 | c >> 12, i, merger);
                add(0x80 | c >> 6 & 0x3F, i, merger);
                add(0x80 | c & 0x3F, i, merger);
            } else {
                int supplementary = text.codePointAt(i);
                add(0xF0 | supplementary >> 18, i, merger);
                add(0x80 | supplementary >> 12 & 0x3F, i, merger);
                add(0x80 | supplementary >> 6 & 0x3F, i, merger);
                add(0x80 | supplementary & 0x3F, i, merger);
                i++;
            }
        }
    }

    private void add(int unsigned, int index, Merger merger) {
        int id = ids[unsigned];
        if (id >= 0) {
            merger.add(id, index);
        }
    }

    @Override
    public String written(String text, int from, int to) {
        byte[] utf8 = text.substring(from, to).getBytes(StandardCharsets.UTF_8);
        char[] written = new char[utf8.length];
        for (int i = 0; i < utf8.length; i++) {
            written[i] = CHARACTERS[utf8[i] & 0xFF];
        }
        return new String(written);
    }

    @Override
    public byte[] bytes(int token) {
        String written = vocabulary.written(token);
        byte[] bytes = new byte[written.length()];
        for (int i = 0; i < bytes.length; i++) {
            char c = written.charAt(i);
            if (c >= BYTES.length || BYTES[c] < 0) {
                return written.getBytes(StandardCharsets.UTF_8);
            }
            bytes[i] = (byte) BYTES[c];
        }
        return bytes;
    }

    /** Bytes that are printable in Latin-1 stand for themselves, the others follow from U+0100 on. */
    private static char[] characters() {
        char[] characters = new char[256];
        char next = 0x100;
        for (int b = 0; b < 256; b++) {
            boolean printable = (b > ' ' && b < 0x7F) || (b > 0xA0 && b != 0xAD);
            characters[b] = printable ? (char) b : next++;
        }
        return characters;
    }

    private static short[] bytesOfCharacters() {
        short[] bytes = new short[0x200];
        Arrays.fill(bytes, (short) -1);
        for (int b = 0; b < 256; b++) {
            bytes[CHARACTERS[b]] = (short) b;
        }
        return bytes;
    }
}
