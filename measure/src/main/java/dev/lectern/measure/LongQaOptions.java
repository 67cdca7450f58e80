package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.measure.tasks.QuestionFile;

/**
 * What {@link LongQaEval} measures.
 *
 * @param length tokens of prompt and answer, to which a context that is too long is cut; 0 for as many as the model holds
 * @param samples the first so many questions of the file; 0 for all
 * @param maxTokens the most tokens of an answer
 * @param instruction stands between the context and the question; empty for {@link #SHORT}, or {@link #LETTER} where there are options
 * @param protocol how the question is read
 * @param kv the format of keys and values
 * @param attention what a new token looks at
 */
public record LongQaOptions(
        int length, int samples, int maxTokens, String instruction, Protocol protocol, String kv, String attention) {
    /** Asks for an answer that can be compared with a short one. */
    public static final String SHORT =
            "Answer the question about the text above in as few words as possible. Do not explain.";

    /** Asks for one of several options. */
    public static final String LETTER =
            "Answer the question about the text above with the letter of the right option alone. Do not explain.";

    /** Every question, in the model's whole context, answers of 64 tokens, question read exactly. */
    public static final LongQaOptions DEFAULT = new LongQaOptions(0, 0, 64, "", Protocol.A, "f16", "dense");

    private static final int LEAST_LENGTH = 256;

    public LongQaOptions {
        if (length != 0 && length < LEAST_LENGTH) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--length is " + length + ", but it takes " + LEAST_LENGTH + " or more.");
        }
        if (samples < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--samples is " + samples + ", but it takes 1 or more.");
        }
        if (maxTokens < 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--max-tokens is " + maxTokens + ", but an answer has at least 1.");
        }
    }

    /** The command that measures this. */
    String command(BenchModel subject, QuestionFile file) {
        return "lectern eval longqa " + file.name() + " --model " + subject.name()
                + (length == 0 ? "" : " --length " + length) + (samples == 0 ? "" : " --samples " + samples)
                + " --max-tokens " + maxTokens
                + (instruction.isEmpty() ? "" : " --instruction '" + instruction.replace("'", "'\\''") + "'")
                + " --protocol " + protocol + " --kv " + kv + " --attention " + attention;
    }

    public LongQaOptions withLength(int length) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withSamples(int samples) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withMaxTokens(int maxTokens) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withInstruction(String instruction) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withProtocol(Protocol protocol) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withKv(String kv) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withAttention(String attention) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }
}
