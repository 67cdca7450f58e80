package dev.lectern.measure.tasks;

import java.util.Random;

/**
 * A kind of question. Laws, tested for every task: (1) the same random numbers and size give the same sample, on every machine; (2) the context contains every
 * reference that is not counted in it, and what is to distract contains none; (3) a larger size makes a longer sample.
 */
public interface Task {
    /** What results and options call it, RULER's name where it is RULER's task. */
    String name();

    /** Tokens that an answer may take. */
    int answerTokens();

    Scoring scoring();

    /**
     * The smallest size that makes sense. What is counted (words, lines, documents) is the task's affair.
     */
    int smallest();

    /**
     * Makes a sample.
     *
     * @param random is used the same way whatever the size, so far as that can be, so that what is asked does not depend on it
     * @param size at least {@link #smallest}
     * @param haystack where the task hides things in prose
     */
    Sample sample(Random random, int size, Haystack haystack);
}
