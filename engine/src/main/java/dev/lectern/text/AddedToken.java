package dev.lectern.text;

/**
 * A token that is looked for in the text as it is written, before anything is merged.
 *
 * @param control whether it steers the model and is no text ({@code special} in tokenizer.json)
 * @param normalized whether it is looked for after normalisation, in its own normalised form
 * @param stripLeft whether it takes the white space before it
 * @param stripRight whether it takes the white space after it
 * @param singleWord whether it must not touch a letter, digit or underscore
 */
record AddedToken(
        int id,
        String content,
        boolean control,
        boolean normalized,
        boolean stripLeft,
        boolean stripRight,
        boolean singleWord) {

    /** Longer contents are refused: finding them in a text would no longer be linear. */
    static final int MAX_LENGTH = 1024;

    static AddedToken plain(int id, String content, boolean control) {
        return new AddedToken(id, content, control, false, false, false, false);
    }
}
