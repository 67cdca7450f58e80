package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.SessionOptions;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** How a text is read and remembered. */
final class SessionChoice {
    @Option(
            names = "--ctx",
            paramLabel = "TOKENS",
            description = {
                "Tokens that the session can hold. Default: what the prompt and",
                "the answer need (chat: all that the model can hold)."
            })
    @Nullable
    Integer context;

    @Mixin
    KvChoice kv = new KvChoice();

    @Option(
            names = "--prefill",
            paramLabel = "METHOD",
            description = {
                "How the text is read: full (exact), in blocks (star, apb), or",
                "by chosen tokens (xattention, minference), as",
                "docs/command-line.md says. Default: full."
            })
    @Nullable
    String prefill;

    @Mixin
    LookupChoice lookup = new LookupChoice();

    /** Takes what is not chosen from an earlier reading, as {@link #described} named it. */
    void readAs(Map<String, String> earlier) {
        if (kv.kv == null && kv.layers == null) {
            kv.kv = earlier.get("kv");
            kv.layers = earlier.get("kv-layers");
        }
        prefill = prefill == null ? earlier.get("prefill") : prefill;
        lookup.attention = lookup.attention == null ? earlier.get("attention") : lookup.attention;
        lookup.keep = lookup.keep == null ? earlier.get("keep") : lookup.keep;
    }

    /** How a text is read, by the names of options; defaults too, which may be others one day. */
    static Map<String, String> described(SessionOptions options) {
        Map<String, String> described = new LinkedHashMap<>();
        described.put("kv", options.kv());
        if (!options.kvLayers().isEmpty()) {
            described.put("kv-layers", options.kvLayers());
        }
        described.put("prefill", options.prefill());
        described.put("attention", options.attention());
        described.put("keep", options.keep());
        return described;
    }

    /** The options, with the context that was asked for or else 0. */
    SessionOptions options() {
        SessionOptions options = SessionOptions.DEFAULT;
        if (context != null) {
            if (context < 1) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--ctx is " + context + ", but it takes a positive number of tokens.");
            }
            options = options.withContext(context);
        }
        options = kv.choose(options);
        options = prefill == null ? options : options.withPrefill(prefill);
        return lookup.choose(options);
    }
}
