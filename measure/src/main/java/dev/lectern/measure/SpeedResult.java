package dev.lectern.measure;

import dev.lectern.Traffic;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JsonGenerator;

/**
 * How fast a model reads and decodes at one depth.
 *
 * @param depth tokens cached before the prompt
 * @param kv format of the cache
 * @param attention what a new token looks at
 * @param batch sequences, read one after another and decoded together
 * @param prefill the prompt's reading
 * @param decode of the tokens after it, one by one; their logits are computed, none is chosen
 * @param bytesPerToken that the cache takes for a token of a sequence
 * @param lookup what it costs to find what a new token looks at; that of another engine is not known
 * @param profile where the time of all timed runs went, if that was asked for
 */
public record SpeedResult(
        String model,
        int depth,
        String kv,
        String attention,
        int batch,
        Phase prefill,
        Phase decode,
        long bytesPerToken,
        Optional<Lookup> lookup,
        Optional<StepProfile> profile) {
    /**
     * What it costs to find what a new token looks at.
     *
     * @param bytesRead of the cache and the index, by attention for each decoded token
     * @param index what the method keeps of a sequence after its prompt
     * @param bounded what became of a bound on errors, in all runs
     */
    public record Lookup(double bytesRead, Index index, Traffic.Bounded bounded) {}

    /**
     * What a method of attention keeps of a sequence beside its keys and values.
     *
     * @param bytes 0 for a method that keeps nothing
     * @param seconds that making it takes
     */
    public record Index(long bytes, double seconds) {}

    /**
     * The times of one kind of work.
     *
     * @param tokens of all sequences together, in each run
     * @param seconds that each run took
     */
    public record Phase(long tokens, List<Double> seconds) {
        public Phase {
            seconds = List.copyOf(seconds);
        }

        /** Of the median run. */
        public double tokensPerSecond() {
            return tokens / Statistics.of(seconds).median();
        }

        /** Of the slowest run. */
        public double low() {
            return tokens / Statistics.of(seconds).max();
        }

        /** Of the fastest run. */
        public double high() {
            return tokens / Statistics.of(seconds).min();
        }

        void write(JsonGenerator json, String name) {
            json.writeObjectPropertyStart(name);
            json.writeNumberProperty("tokens", tokens);
            json.writeNumberProperty("tokensPerSecond", tokensPerSecond());
            json.writeEndObject();
        }
    }

    /** The members of the object that the command line promises. */
    void writeMembers(JsonGenerator json) {
        json.writeStringProperty("model", model);
        json.writeNumberProperty("depth", depth);
        json.writeStringProperty("kv", kv);
        json.writeStringProperty("attention", attention);
        json.writeNumberProperty("batch", batch);
        prefill.write(json, "prefill");
        decode.write(json, "decode");
        json.writeNumberProperty("bytesPerToken", bytesPerToken);
        lookup.ifPresent(costs -> {
            json.writeNumberProperty("bytesRead", costs.bytesRead());
            json.writeObjectPropertyStart("index");
            json.writeNumberProperty("bytes", costs.index().bytes());
            json.writeNumberProperty("seconds", costs.index().seconds());
            json.writeEndObject();
            BoundedChoices.write(json, costs.bounded());
        });
        profile.ifPresent(times -> {
            json.writeName("profile");
            times.write(json);
        });
    }
}
