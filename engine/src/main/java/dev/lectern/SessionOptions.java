package dev.lectern;

import dev.lectern.kv.KvFormats;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * How a session reads, keeps and looks up; the names are those of the command line.
 *
 * @param context tokens that it may hold; 0 for all that the model was made for
 * @param kv format of the cache: {@code f16}, or {@code k=chl-8,v=chl-4}
 * @param kvLayers layers with another one: {@code first=f16,last=k=f16,v=chl-8}; empty for none
 * @param prefill how a text is read: {@code full}, {@code star}, {@code apb:hosts=8}, {@code xattention:threshold=0.8}, {@code minference}
 * @param attention what a new token looks at: {@code dense}
 * @param keep which tokens of what was read stay in memory when the first answer begins: {@code all}, {@code snapkv:budget=1024}
 * @param question what will be asked about the text that is read first, for methods of reading that want to know
 */
public record SessionOptions(
        int context,
        String kv,
        String kvLayers,
        String prefill,
        String attention,
        String keep,
        Optional<Question> question) {
    /** Reading and attention to everything, over keys of 8 bits and values of 4, which cost hardly anything (docs/measurements.md). */
    public static final SessionOptions DEFAULT =
            new SessionOptions(0, "k=chl-8,v=chl-4", "", "full", "dense", "all", Optional.empty());

    /** The formats of the cache, without their options, and the default. */
    public static List<String> kvFormats() {
        return Stream.concat(KvFormats.names().stream(), Stream.of(DEFAULT.kv)).toList();
    }

    public SessionOptions {
        if (context < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--ctx is " + context + ", but it takes a positive number of tokens.");
        }
    }

    public SessionOptions withContext(int context) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withKv(String kv) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withKvLayers(String kvLayers) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withPrefill(String prefill) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withAttention(String attention) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withKeep(String keep) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }

    public SessionOptions withQuestion(Optional<Question> question) {
        return new SessionOptions(context, kv, kvLayers, prefill, attention, keep, question);
    }
}
