package dev.lectern;

import dev.lectern.text.Thinking;
import java.util.List;

/**
 * When an answer ends and how its tokens are chosen.
 *
 * @param maxTokens the most tokens of an answer
 * @param stop texts that end the answer; neither they nor what follows is part of it. In what is thought before they end nothing
 * @param ignoreEnd whether the model's own end tokens are passed over, for measuring
 * @param thinking whether the answer has such thoughts in front, which only the prompt can tell
 */
public record GenerateOptions(
        int maxTokens, List<String> stop, Sampling sampling, boolean ignoreEnd, Thinking thinking) {
    /** Greedy, up to 512 tokens, all of them answer. */
    public static final GenerateOptions DEFAULT =
            new GenerateOptions(512, List.of(), Sampling.GREEDY, false, Thinking.NONE);

    public GenerateOptions {
        stop = List.copyOf(stop);
        if (maxTokens < 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--max-tokens is " + maxTokens + ", but an answer has at least 1.");
        }
        if (stop.contains("")) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--stop is an empty text, which stands everywhere.");
        }
    }

    public GenerateOptions withMaxTokens(int maxTokens) {
        return new GenerateOptions(maxTokens, stop, sampling, ignoreEnd, thinking);
    }

    public GenerateOptions withSampling(Sampling sampling) {
        return new GenerateOptions(maxTokens, stop, sampling, ignoreEnd, thinking);
    }

    public GenerateOptions withStop(List<String> stop) {
        return new GenerateOptions(maxTokens, stop, sampling, ignoreEnd, thinking);
    }

    public GenerateOptions withIgnoreEnd(boolean ignoreEnd) {
        return new GenerateOptions(maxTokens, stop, sampling, ignoreEnd, thinking);
    }

    public GenerateOptions withThinking(Thinking thinking) {
        return new GenerateOptions(maxTokens, stop, sampling, ignoreEnd, thinking);
    }
}
