package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.SessionOptions;
import java.util.List;

/**
 * What {@link DivergenceEval} compares with the exact engine.
 *
 * @param kvs formats of keys and values, each for itself
 * @param attention what a new token looks at
 * @param tokens of the text that count, from its beginning; 0 for all
 */
public record DivergenceOptions(List<String> kvs, String attention, int tokens) {
    /** The whole text, through an f16 cache and dense attention. */
    public static final DivergenceOptions DEFAULT = new DivergenceOptions(List.of("f16"), "dense", 0);

    public DivergenceOptions {
        kvs = List.copyOf(kvs);
        if (tokens < 0 || tokens == 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--tokens is " + tokens + ", but it takes 2 or more.");
        }
        if (kvs.stream().distinct().count() < kvs.size()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--kv names a format twice: " + String.join(" ", kvs) + ".");
        }
    }

    /** The command that compares like this. */
    String command(BenchModel subject) {
        return "lectern eval kld --model " + subject.name() + " --kv " + String.join(" --kv ", kvs) + " --attention "
                + attention + (tokens == 0 ? "" : " --tokens " + tokens) + " --text FILE";
    }

    SessionOptions session(String kv, int context) {
        return SessionOptions.DEFAULT.withContext(context).withKv(kv).withAttention(attention);
    }

    public DivergenceOptions withKvs(List<String> kvs) {
        return new DivergenceOptions(kvs, attention, tokens);
    }

    public DivergenceOptions withAttention(String attention) {
        return new DivergenceOptions(kvs, attention, tokens);
    }

    public DivergenceOptions withTokens(int tokens) {
        return new DivergenceOptions(kvs, attention, tokens);
    }
}
