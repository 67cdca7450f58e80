package dev.lectern.attention;

import dev.lectern.AttentionObserver;
import java.util.List;

/**
 * Learns of a model, from texts that it reads, what a method of attention or of reading wants to know before it meets another text. It observes the readings, each from position 0 on, or is a
 * {@link dev.lectern.prefill.Prefill} and reads the texts itself; what it has learned is kept in a file ({@link Calibrated}).
 */
public interface Calibration extends AttentionObserver {
    /** The method that it is for. */
    String method();

    /** Tokens of all texts together that it needs. */
    int leastTokens();

    /**
     * What it has learned until now.
     *
     * @throws dev.lectern.LecternException of kind {@code BAD_DOCUMENT} if that is nothing
     */
    List<Table> tables();

    /**
     * Numbers under a name, as they are kept; what is of layer L is called {@code layers.L.…}.
     *
     * @param shape outermost dimension first
     * @param numbers as many as the shape says
     */
    record Table(String name, List<Integer> shape, float[] numbers) {
        public Table {
            shape = List.copyOf(shape);
        }
    }
}
