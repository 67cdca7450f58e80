package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.SessionOptions;

/**
 * How a text is gone through by {@link PerplexityEval}.
 *
 * @param kv the format of keys and values
 * @param attention what a new token looks at
 * @param mode how tokens are read
 * @param tokens of the text that count, from its beginning; 0 for all
 */
public record TextOptions(String kv, String attention, Mode mode, int tokens) {
    /** The whole text, through an f16 cache and dense attention. */
    public static final TextOptions DEFAULT = new TextOptions("f16", "dense", Mode.DECODE, 0);

    /** How tokens are read. */
    public enum Mode {
        /** One by one, each through the cache and the attention that were chosen: what an answer goes through. */
        DECODE,
        /** In chunks, exactly, as a prompt is: attention is always to everything, and only the format of the cache tells. */
        PREFILL
    }

    public TextOptions {
        if (tokens < 0 || tokens == 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--tokens is " + tokens + ", but it takes 2 or more: the first token is not scored.");
        }
    }

    /** The command that goes through a text like this. */
    String command(String verb, BenchModel subject) {
        return "lectern eval " + verb + " --model " + subject.name() + " --kv " + kv + " --attention " + attention
                + (mode == Mode.PREFILL ? " --mode prefill" : "") + (tokens == 0 ? "" : " --tokens " + tokens)
                + " --text FILE";
    }

    SessionOptions session(int context) {
        return SessionOptions.DEFAULT.withContext(context).withKv(kv).withAttention(attention);
    }

    public TextOptions withKv(String kv) {
        return new TextOptions(kv, attention, mode, tokens);
    }

    public TextOptions withAttention(String attention) {
        return new TextOptions(kv, attention, mode, tokens);
    }

    public TextOptions withMode(Mode mode) {
        return new TextOptions(kv, attention, mode, tokens);
    }

    public TextOptions withTokens(int tokens) {
        return new TextOptions(kv, attention, mode, tokens);
    }
}
