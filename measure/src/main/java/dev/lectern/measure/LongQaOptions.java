package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.attention.DecodeAttentions;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@link LongQaEval} measures.
 *
 * @param length tokens of prompt and answer, to which a context that is too long is cut; 0 for as many as the model holds
 * @param samples the first so many questions of the file; 0 for all
 * @param maxTokens the most tokens of an answer
 * @param instruction stands between the context and the question; empty for {@link #SHORT}, or {@link #LETTER} where there are options
 * @param protocol how the question is read
 * @param kv formats of keys and values
 * @param attention methods, each over each format; all are asked the same, and the first over the first is what the others are compared with
 */
public record LongQaOptions(
        int length,
        int samples,
        int maxTokens,
        String instruction,
        Protocol protocol,
        List<String> kv,
        List<String> attention) {
    /** Asks for an answer that can be compared with a short one. */
    public static final String SHORT =
            "Answer the question about the text above in as few words as possible. Do not explain.";

    /** Asks for one of several options. */
    public static final String LETTER =
            "Answer the question about the text above with the letter of the right option alone. Do not explain.";

    /** Every question, in the model's whole context, answers of 64 tokens, question read exactly. */
    public static final LongQaOptions DEFAULT =
            new LongQaOptions(0, 0, 64, "", Protocol.A, List.of("f16"), List.of("dense"));

    public LongQaOptions {
        kv = kv.stream().distinct().toList();
        attention = attention.stream()
                .map(method -> DecodeAttentions.named(method).name())
                .distinct()
                .toList();
        if (kv.isEmpty() || attention.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, (kv.isEmpty() ? "--kv" : "--attention") + " names nothing.");
        }
        if (length != 0 && length < TaskOptions.LEAST) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--length is " + length + ", but it takes " + TaskOptions.LEAST + " or more.");
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

    /** Every method over every format, those over one format together. */
    List<Method> methods() {
        List<Method> methods = new ArrayList<>();
        for (String format : kv) {
            for (String name : attention) {
                methods.add(new Method(format, name, protocol));
            }
        }
        return methods;
    }

    /** The command that measures this. */
    String command(BenchModel subject, String file) {
        StringBuilder command = new StringBuilder("lectern eval longqa " + file + " --model " + subject.name());
        command.append(length == 0 ? "" : " --length " + length);
        command.append(samples == 0 ? "" : " --samples " + samples);
        command.append(" --max-tokens ")
                .append(maxTokens)
                .append(" --protocol ")
                .append(protocol);
        command.append(instruction.isEmpty() ? "" : " --instruction '" + instruction.replace("'", "'\\''") + "'");
        kv.forEach(format -> command.append(" --kv ").append(format));
        attention.forEach(method -> command.append(" --attention ").append(method));
        return command.toString();
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

    public LongQaOptions withKv(List<String> kv) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }

    public LongQaOptions withAttention(List<String> attention) {
        return new LongQaOptions(length, samples, maxTokens, instruction, protocol, kv, attention);
    }
}
