package dev.lectern.measure.reproduce;

/**
 * What became of a claim.
 *
 * @param word in one word or two, as the page explains them
 * @param measured what was measured; Markdown
 * @param models of what
 * @param where the command and the result; Markdown
 */
record Verdict(String word, String measured, String models, String where) {
    static final Verdict NOT_YET = new Verdict("not yet", "", "", "");
}
