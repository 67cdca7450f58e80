package dev.lectern.measure;

import dev.lectern.LecternException;

/**
 * How much {@link GeometryEval} reads.
 *
 * @param tokens of an input
 * @param inputs at most so many
 */
public record GeometryOptions(int tokens, int inputs) {
    /** Eleven inputs of 512 tokens. */
    public static final GeometryOptions DEFAULT = new GeometryOptions(512, 11);

    private static final int LEAST_TOKENS = 2 * InputGeometry.SINKS;
    private static final int MOST_INPUTS = 1000;

    public GeometryOptions {
        if (tokens < LEAST_TOKENS) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--tokens is " + tokens + ", but it takes " + LEAST_TOKENS
                            + " or more: the mean leaves out the first " + InputGeometry.SINKS + ".");
        }
        if (inputs < 2 || inputs > MOST_INPUTS) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--inputs is " + inputs + ", but it takes 2 to " + MOST_INPUTS + ": inputs are compared in pairs.");
        }
    }

    /**
     * The command that reads so much.
     *
     * @param texts how many are given
     */
    String command(BenchModel subject, int texts) {
        return "lectern analyze --model " + subject.name() + " --tokens " + tokens + " --inputs " + inputs
                + " --text FILE".repeat(texts);
    }

    public GeometryOptions withTokens(int tokens) {
        return new GeometryOptions(tokens, inputs);
    }

    public GeometryOptions withInputs(int inputs) {
        return new GeometryOptions(tokens, inputs);
    }
}
