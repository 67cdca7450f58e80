package dev.lectern.measure;

/**
 * What the method under test reads. A question that is read exactly tells the model what to look for in a way that an answer alone does not, so a method that works by one protocol may fail by the other.
 */
public enum Protocol {
    /** The answer alone: text and question are read exactly. */
    A,
    /** Question and answer; the text is read exactly. */
    B
}
