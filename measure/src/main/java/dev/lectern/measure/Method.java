package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import dev.lectern.attention.Retention;
import dev.lectern.attention.Retentions;
import dev.lectern.prefill.Prefills;
import java.util.List;
import java.util.stream.Collectors;

/**
 * How a model keeps what it has read, and looks things up in it, and from which token on it does.
 *
 * @param kv the format of keys and values
 * @param attention what a new token looks at, with its options
 * @param keep which tokens stay in memory before the first that is new, with its options
 * @param prefill how the text is read, but for the question, with its options
 * @param protocol which tokens are new
 */
public record Method(String kv, String attention, String keep, String prefill, Protocol protocol) {
    private static final String EXACTLY = "dense";

    /** One that drops nothing of what was read exactly. */
    public Method(String kv, String attention, Protocol protocol) {
        this(kv, attention, Retentions.ALL, Prefills.FULL, protocol);
    }

    /** One that reads otherwise, and looks at everything that was read. */
    static Method reading(String kv, String prefill, Protocol protocol) {
        return new Method(kv, EXACTLY, Retentions.ALL, prefill, protocol);
    }

    boolean readsExactly() {
        return prefill.equals(Prefills.FULL);
    }

    boolean keepsAll() {
        return keep.equals(Retentions.ALL);
    }

    /** What results call it. */
    public String name() {
        return attention + (keepsAll() ? "" : " keep=" + keep) + (readsExactly() ? "" : " prefill=" + prefill);
    }

    /** What tables call it. */
    public String described() {
        return name() + ", " + kv + (protocol == Protocol.A ? "" : ", protocol " + protocol);
    }

    /** What it has learned of a model, for what samples are known by; empty where it learns nothing. */
    String learned(Model model) {
        SessionOptions options = SessionOptions.DEFAULT.withPrefill(prefill).withAttention(attention);
        return model.learned(options).entrySet().stream()
                .map(of -> ";" + of.getKey() + "=" + of.getValue())
                .collect(Collectors.joining());
    }

    /** A session from which methods over its format can all go on that read a text alike: sums are kept where one of them asks for them. */
    static SessionOptions reading(String kv, int context, List<Method> methods) {
        String keep = methods.stream()
                .map(Method::keep)
                .filter(name -> Retentions.named(name).stream().anyMatch(Retention::needsSums))
                .findFirst()
                .orElse(Retentions.ALL);
        return SessionOptions.DEFAULT
                .withContext(context)
                .withKv(kv)
                .withPrefill(methods.getFirst().prefill)
                .withAttention(EXACTLY)
                .withKeep(keep);
    }

    /** Goes on by this method from what was read; what does not stay is dropped here. */
    Session from(Session read, Cancellation cancellation) {
        Session session = read.fork(attention, keep);
        try {
            session.evict(cancellation);
            return session;
        } catch (RuntimeException | Error e) {
            session.close();
            throw e;
        }
    }
}
