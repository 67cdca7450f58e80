package dev.lectern.measure;

import dev.lectern.measure.PrefillPlan.Asked;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import tools.jackson.core.JsonGenerator;

/**
 * How fast a text is read by each method of reading, beside the full reading of the same length in the same run, and beside what counting its operations foretells; measured by {@link PrefillBench}.
 *
 * @param scaling of the model's positions, by which it holds the longest text; empty for its own
 * @param rows in the order of {@link PrefillPlan#asked}; fewer while it is being measured
 */
public record PrefillSpeed(Evaluated evaluated, PrefillPlan plan, String scaling, List<Row> rows) {
    /**
     * What became of a measurement.
     *
     * @param speed empty where it could not be measured
     * @param leftOut why; empty where it was
     */
    public record Row(Asked asked, Optional<Speed> speed, String leftOut) {}

    /**
     * What was measured.
     *
     * @param seconds of the reading, the median run's
     * @param parts where they went, the mean of hosts and runs
     * @param bytesReceived by all hosts together
     * @param messages of all hosts together
     * @param counted operations of all hosts together, counted while they read
     * @param operations of all hosts together as they are foretold; NaN where they cannot be
     * @param most of the host that has most to do; NaN likewise
     * @param foretold how many times as fast as the full reading it would be if time were operations, with a machine's cores shared equally among the ranks on it; NaN likewise
     */
    public record Speed(
            double seconds,
            Parts parts,
            long bytesReceived,
            long messages,
            double counted,
            double operations,
            double most,
            double foretold) {}

    /**
     * Seconds of a reading.
     *
     * @param projections products that make queries, keys, values and outputs
     * @param attention with the choice of what is passed on
     * @param communication waiting for other ranks included
     * @param feedForward of its products and activation
     * @param rest norms, rotations, storing, the vocabulary's product, and what is between steps
     */
    public record Parts(double projections, double attention, double communication, double feedForward, double rest) {
        /** Of several, each counted equally. */
        static Parts mean(List<double[]> parts) {
            double[] mean = new double[parts.getFirst().length];
            parts.forEach(of -> Arrays.setAll(mean, i -> mean[i] + of[i] / parts.size()));
            return new Parts(mean[0], mean[1], mean[2], mean[3], mean[4]);
        }

        double[] numbers() {
            return new double[] {projections, attention, communication, feedForward, rest};
        }

        /** @param communication seconds of it, of which those outside steps are what {@code seconds} has more than steps */
        static Parts of(StepProfile.Times steps, double readings, double seconds, double communication) {
            double projections = sum(steps, "queryKeyValue", "output") / readings;
            double feedForward = sum(steps, "up", "activation", "down") / readings;
            double between = Math.max(0, seconds - steps.all() / readings);
            double within = Math.max(0, communication - between);
            double attention = Math.max(0, sum(steps, "attention") / readings - within);
            double rest = seconds - projections - feedForward - attention - communication;
            return new Parts(projections, attention, communication, feedForward, Math.max(0, rest));
        }

        private static double sum(StepProfile.Times steps, String... parts) {
            // A process that did not read has no steps.
            return Stream.of(parts)
                    .mapToDouble(part -> steps.parts().getOrDefault(part, 0.0))
                    .sum();
        }
    }

    public PrefillSpeed {
        rows = List.copyOf(rows);
    }

    /** How many times as fast a row is as the full reading of its length; NaN where one of them was not measured. */
    public double speedUp(Row row) {
        Asked full = PrefillPlan.full(row.asked.tokens());
        return rows.stream()
                        .filter(other -> other.asked.equals(full))
                        .flatMap(other -> other.speed.stream())
                        .mapToDouble(Speed::seconds)
                        .findFirst()
                        .orElse(Double.NaN)
                / row.speed.map(Speed::seconds).orElse(Double.NaN);
    }

    /** How many times as fast as the full reading it would be by counting if each host were such a machine; NaN where that is not known. */
    public double atOnce(Row row) {
        Asked full = PrefillPlan.full(row.asked.tokens());
        return rows.stream()
                        .filter(other -> other.asked.equals(full))
                        .flatMap(other -> other.speed.stream())
                        .mapToDouble(Speed::operations)
                        .findFirst()
                        .orElse(Double.NaN)
                / row.speed.map(Speed::most).orElse(Double.NaN);
    }

    /** Rows that are not there yet. */
    public int missing() {
        return plan.asked().size() - rows.size();
    }

    /** The object of {@code --json}, which is a result file too. */
    public String toJson() {
        return evaluated.toJson(json -> rows.forEach(row -> write(json, row)), json -> {
            json.writeArrayPropertyStart("lengths");
            plan.lengths().forEach(json::writeNumber);
            json.writeEndArray();
            json.writeArrayPropertyStart("methods");
            plan.methods().forEach(json::writeString);
            json.writeEndArray();
            json.writeArrayPropertyStart("hosts");
            plan.hosts().forEach(json::writeNumber);
            json.writeEndArray();
            json.writeStringProperty("hostsAre", plan.ranks().word());
            json.writeNumberProperty("latency", plan.latency());
            json.writeStringProperty("network", plan.network());
            json.writeStringProperty("kv", plan.kv());
            json.writeNumberProperty("runs", plan.runs());
            json.writeStringProperty("ropeScaling", scaling);
        });
    }

    private void write(JsonGenerator json, Row row) {
        json.writeStartObject();
        json.writeNumberProperty("length", row.asked.tokens());
        json.writeStringProperty("prefill", row.asked.prefill());
        json.writeNumberProperty("hosts", row.asked.hosts());
        json.writeBooleanProperty("ranks", row.asked.ranks());
        row.speed.ifPresentOrElse(
                speed -> {
                    json.writeNumberProperty("tokensPerSecond", row.asked.tokens() / speed.seconds);
                    json.writeNumberProperty("seconds", speed.seconds);
                    number(json, "speedUp", speedUp(row));
                    number(json, "foretold", speed.foretold);
                    number(json, "countedOperations", speed.counted);
                    number(json, "operations", speed.operations);
                    number(json, "mostOperations", speed.most);
                    json.writeObjectPropertyStart("parts");
                    json.writeNumberProperty("projections", speed.parts.projections);
                    json.writeNumberProperty("attention", speed.parts.attention);
                    json.writeNumberProperty("communication", speed.parts.communication);
                    json.writeNumberProperty("feedForward", speed.parts.feedForward);
                    json.writeNumberProperty("rest", speed.parts.rest);
                    json.writeEndObject();
                    json.writeNumberProperty("bytesReceived", speed.bytesReceived);
                    json.writeNumberProperty("messages", speed.messages);
                },
                () -> json.writeStringProperty("leftOut", row.leftOut));
        json.writeEndObject();
    }

    /** A number that may not be known. */
    private static void number(JsonGenerator json, String name, double value) {
        if (Double.isFinite(value)) {
            json.writeNumberProperty(name, value);
        }
    }

    /**
     * Reads a result file.
     *
     * @throws IllegalArgumentException if it is another
     */
    public static PrefillSpeed read(JsonFields json) {
        PrefillPlan plan = new PrefillPlan(
                json.integers("lengths"),
                json.texts("methods"),
                json.integers("hosts"),
                PrefillPlan.Ranks.of(json.text("hostsAre")),
                Math.toIntExact(json.whole("latency")),
                json.optionalText("network").orElse(""),
                json.text("kv"),
                Math.toIntExact(json.whole("runs")));
        Evaluated evaluated = new Evaluated(
                json.text("model"), json.text("sha256"), Math.toIntExact(json.whole("threads")), Provenance.read(json));
        return new PrefillSpeed(
                evaluated,
                plan,
                json.text("ropeScaling"),
                json.objects("results").stream().map(PrefillSpeed::row).toList());
    }

    private static Row row(JsonFields json) {
        Asked asked = new Asked(
                Math.toIntExact(json.whole("length")),
                json.text("prefill"),
                Math.toIntExact(json.whole("hosts")),
                json.flag("ranks"));
        if (json.has("leftOut")) {
            return new Row(asked, Optional.empty(), json.text("leftOut"));
        }
        JsonFields parts = json.object("parts");
        return new Row(
                asked,
                Optional.of(new Speed(
                        json.number("seconds"),
                        new Parts(
                                parts.number("projections"),
                                parts.number("attention"),
                                parts.number("communication"),
                                parts.number("feedForward"),
                                parts.number("rest")),
                        json.whole("bytesReceived"),
                        json.whole("messages"),
                        json.optionalNumber("countedOperations"),
                        json.optionalNumber("operations"),
                        json.optionalNumber("mostOperations"),
                        json.optionalNumber("foretold"))),
                "");
    }
}
