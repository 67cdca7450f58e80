package dev.lectern.text;

import java.util.List;
import java.util.OptionalInt;

/**
 * Text to tokens and back. Laws, tested for every implementation: (1) the ids equal those of the Hugging Face tokenizer
 * of the same model, nothing added; (2) with {@code parseSpecial} off no id of {@link #specialTokens()} that Hugging Face
 * would only match as an added token ever comes out, whatever the text; (3) concatenated {@link #bytes} of the ids of a
 * text are its (normalised) UTF-8 bytes, up to the space that a SentencePiece model puts in front. Instances are immutable
 * and may be used by several threads.
 */
public interface Tokenizer {
    /**
     * The tokens of a text.
     *
     * @param ids token ids
     * @param starts for each token, the index in the given text (UTF-16 units) of the character that its first byte belongs to
     */
    record Encoding(int[] ids, int[] starts) {}

    /** Number of ids: 0 … size − 1. */
    int size();

    /**
     * @param text any string; an unpaired surrogate counts as U+FFFD
     * @param parseSpecial whether the written form of an added token ({@code <|im_end|>}) becomes that token. Never on for text that
     *     comes from a document.
     */
    Encoding encode(String text, boolean parseSpecial);

    /** What a token adds to a text as UTF-8, possibly part of a character; empty for control tokens. */
    byte[] bytes(int token);

    /** How the vocabulary writes a token, for people and for lookups. */
    String written(int token);

    /** The token with this written form. */
    OptionalInt token(String written);

    /** Whether a token steers the model and is not text ({@code <|im_end|>}, {@code <s>}). */
    boolean isControl(int token);

    /** The written forms that {@code parseSpecial} recognises. */
    List<String> specialTokens();

    /** Beginning of sequence, where the model has one. */
    OptionalInt bos();

    /** The tokens that end an answer: end of sequence, end of turn. */
    List<Integer> endTokens();

    /** Whether the model was trained to see {@link #bos()} in front of a prompt. */
    boolean addsBos();

    /**
     * Whether {@link #encode} puts a space in front of a text (SentencePiece does), which is not part of it: the reader of a
     * whole text takes it off again.
     */
    default boolean prefixesSpace() {
        return false;
    }
}
