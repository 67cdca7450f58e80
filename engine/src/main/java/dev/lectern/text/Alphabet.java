package dev.lectern.text;

/** How a family spells text before anything is merged, and reads its tokens back. */
sealed interface Alphabet permits ByteAlphabet, PieceAlphabet {
    /** Appends the first symbols of a word to an empty merger, each with the index in the text where it begins. */
    void spell(String text, int from, int to, Merger merger);

    /** How the vocabulary would write a whole word. */
    String written(String text, int from, int to);

    /** The bytes of text that a token stands for. */
    byte[] bytes(int token);
}
