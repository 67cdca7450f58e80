package dev.lectern.text;

/** Whether a model thinks aloud before it answers, in a block that {@link ThinkingSplitter} knows. */
public enum Thinking {
    /** Whatever it says is its answer. */
    NONE,
    /** It may open such a block. */
    POSSIBLE,
    /** The prompt has opened the block already. */
    OPENED
}
