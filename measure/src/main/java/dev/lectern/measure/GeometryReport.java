package dev.lectern.measure;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import java.util.stream.IntStream;
import tools.jackson.core.JsonGenerator;

/** Results of {@link GeometryEval} for people and programs: a table beside what is published, a JSON object, a file of numbers, a figure. */
public final class GeometryReport {
    /** Published of the first token's keys and values: above this. */
    private static final double SINK = 0.99;

    /** Published of mean keys: above this. */
    private static final double MEAN = 0.9;

    /** Published of the mean key and the first token's: between these. */
    private static final double OPPOSITE_LOW = -0.9;

    private static final double OPPOSITE_HIGH = -0.8;

    private GeometryReport() {}

    /** Lines for a terminal. */
    public static String table(GeometryResult result) {
        StringBuilder text = new StringBuilder();
        text.append(
                "cosines   first token's key       first token's value     mean key                mean, first key   length\n");
        text.append(
                "layer     min  median  >.99       min  median  >.99       min  median   >.9       min  median   |k|/|v|  |v1|/|v|\n");
        for (int i = 0; i < result.layers().size(); i++) {
            text.append(row(Integer.toString(i), result.layers().get(i)));
        }
        GeometryResult.Layer whole = result.whole();
        text.append(row("all", whole));
        text.append(String.format(
                Locale.ROOT, "\n%-38s %7s %7s %7s   %-22s %s\n", "all layers", "min", "p5", "median", "", "published"));
        summary(text, "first token's key, between inputs", whole.sinkKey(), SINK);
        summary(text, "first token's value, between inputs", whole.sinkValue(), SINK);
        summary(text, "mean key, between inputs", whole.meanKey(), MEAN);
        summary(text, "  before RoPE", whole.meanKeyBeforeRope(), MEAN);
        opposite(text, "mean key and first token's key", whole.opposite());
        opposite(text, "  before RoPE", whole.oppositeBeforeRope());
        text.append(String.format(
                Locale.ROOT,
                """

                %d inputs of %d tokens, %s; %s
                %s, f32 cache; %s
                """,
                result.inputs(),
                result.tokens(),
                result.generated() ? "generated" : "cut from the texts",
                result.skippedPairs() == 0
                        ? "all begin with different tokens"
                        : String.format(
                                "first tokens are compared in %d of %d pairs, the others begin with the same",
                                result.pairs() - result.skippedPairs(), result.pairs()),
                result.evaluated().model(),
                result.evaluated().machine().described()));
        return text.toString();
    }

    private static String row(String name, GeometryResult.Layer layer) {
        return String.format(
                Locale.ROOT,
                "%5s  %s  %s  %s  %7.3f %7.3f  %8.2f  %8.3f\n",
                name,
                cells(layer.sinkKey(), SINK),
                cells(layer.sinkValue(), SINK),
                cells(layer.meanKey(), MEAN),
                layer.opposite().min(),
                layer.opposite().median(),
                layer.keyToValue(),
                layer.sinkValueToMedian());
    }

    private static String cells(Cosines cosines, double bound) {
        return cosines.isEmpty()
                ? String.format("%7s %7s %5s ", "-", "-", "-")
                : String.format(
                        Locale.ROOT,
                        "%7.3f %7.3f %4.0f %%",
                        cosines.min(),
                        cosines.median(),
                        100 * cosines.above(bound));
    }

    private static void summary(StringBuilder text, String name, Cosines cosines, double bound) {
        if (cosines.isEmpty()) {
            text.append(String.format("%-38s all inputs begin with the same token\n", name));
            return;
        }
        String share = String.format(Locale.ROOT, "%.0f %% above %s", 100 * cosines.above(bound), bound);
        text.append(line(name, cosines, share, "above " + bound));
    }

    private static void opposite(StringBuilder text, String name, Cosines cosines) {
        String range = OPPOSITE_LOW + " to " + OPPOSITE_HIGH;
        String share =
                String.format(Locale.ROOT, "%.0f %% %s", 100 * cosines.within(OPPOSITE_LOW, OPPOSITE_HIGH), range);
        text.append(line(name, cosines, share, range));
    }

    private static String line(String name, Cosines cosines, String share, String published) {
        return String.format(
                Locale.ROOT,
                "%-38s %7.4f %7.4f %7.4f   %-22s %s\n",
                name,
                cosines.min(),
                cosines.p5(),
                cosines.median(),
                share,
                published);
    }

    /** The object of {@code --json}. */
    public static String toJson(GeometryResult result) {
        return result.evaluated()
                .toJson(
                        json -> {
                            for (int i = 0; i < result.layers().size(); i++) {
                                json.writeStartObject();
                                json.writeNumberProperty("layer", i);
                                write(json, result.layers().get(i));
                                json.writeEndObject();
                            }
                        },
                        json -> {
                            json.writeObjectPropertyStart("all");
                            write(json, result.whole());
                            json.writeEndObject();
                            json.writeNumberProperty("inputs", result.inputs());
                            json.writeNumberProperty("tokens", result.tokens());
                            json.writeBooleanProperty("generated", result.generated());
                            json.writeNumberProperty("pairs", result.pairs());
                            json.writeNumberProperty("skippedPairs", result.skippedPairs());
                        });
    }

    private static void write(JsonGenerator json, GeometryResult.Layer layer) {
        write(json, "sinkKey", layer.sinkKey(), SINK);
        write(json, "sinkValue", layer.sinkValue(), SINK);
        write(json, "meanKey", layer.meanKey(), MEAN);
        write(json, "meanKeyBeforeRope", layer.meanKeyBeforeRope(), MEAN);
        opposite(json, "meanToSink", layer.opposite());
        opposite(json, "meanToSinkBeforeRope", layer.oppositeBeforeRope());
        json.writeNumberProperty("keyToValue", layer.keyToValue());
        json.writeNumberProperty("sinkValueToMedian", layer.sinkValueToMedian());
    }

    private static void write(JsonGenerator json, String name, Cosines cosines, double bound) {
        if (cosines.isEmpty()) {
            json.writeNullProperty(name);
            return;
        }
        json.writeObjectPropertyStart(name);
        spread(json, cosines);
        json.writeNumberProperty("published", bound);
        json.writeNumberProperty("above", cosines.above(bound));
        json.writeEndObject();
    }

    private static void opposite(JsonGenerator json, String name, Cosines cosines) {
        json.writeObjectPropertyStart(name);
        spread(json, cosines);
        json.writeNumberProperty("max", cosines.max());
        json.writeArrayPropertyStart("published");
        json.writeNumber(OPPOSITE_LOW);
        json.writeNumber(OPPOSITE_HIGH);
        json.writeEndArray();
        json.writeNumberProperty("within", cosines.within(OPPOSITE_LOW, OPPOSITE_HIGH));
        json.writeEndObject();
    }

    private static void spread(JsonGenerator json, Cosines cosines) {
        json.writeNumberProperty("min", cosines.min());
        json.writeNumberProperty("p5", cosines.p5());
        json.writeNumberProperty("median", cosines.median());
    }

    /**
     * Writes {@code analyze-MODEL.csv}, a line a layer, and a figure of the medians over the layers.
     *
     * @return the files; without the figure, and with a warning, where it cannot be drawn
     * @throws dev.lectern.LecternException if the CSV cannot be written
     */
    public static List<Path> write(GeometryResult result, Path folder) {
        String name = "analyze-" + AtomicFile.plain(result.evaluated().model());
        Path csv = folder.resolve(name + ".csv");
        AtomicFile.write(csv, csv(result).getBytes(StandardCharsets.UTF_8));
        List<Path> files = new ArrayList<>(List.of(csv));
        files.addAll(figure(result).draw(folder, name));
        return files;
    }

    private static String csv(GeometryResult result) {
        StringBuilder text = new StringBuilder("layer");
        for (String name : List.of("sink_key", "sink_value", "mean_key", "mean_key_before_rope")) {
            text.append(String.format(",%1$s_min,%1$s_p5,%1$s_median,%1$s_above", name));
        }
        for (String name : List.of("mean_to_sink", "mean_to_sink_before_rope")) {
            text.append(String.format(",%1$s_min,%1$s_p5,%1$s_median,%1$s_max", name));
        }
        text.append(",key_to_value,sink_value_to_median\n");
        for (int i = 0; i < result.layers().size(); i++) {
            GeometryResult.Layer layer = result.layers().get(i);
            text.append(i);
            values(text, layer.sinkKey(), cosines -> cosines.above(SINK));
            values(text, layer.sinkValue(), cosines -> cosines.above(SINK));
            values(text, layer.meanKey(), cosines -> cosines.above(MEAN));
            values(text, layer.meanKeyBeforeRope(), cosines -> cosines.above(MEAN));
            values(text, layer.opposite(), Cosines::max);
            values(text, layer.oppositeBeforeRope(), Cosines::max);
            text.append(String.format(Locale.ROOT, ",%.4f,%.4f\n", layer.keyToValue(), layer.sinkValueToMedian()));
        }
        return text.toString();
    }

    private static void values(StringBuilder text, Cosines cosines, Function<Cosines, Double> last) {
        text.append(
                cosines.isEmpty()
                        ? ",,,,"
                        : String.format(
                                Locale.ROOT,
                                ",%.6f,%.6f,%.6f,%.6f",
                                cosines.min(),
                                cosines.p5(),
                                cosines.median(),
                                last.apply(cosines)));
    }

    private static Figure figure(GeometryResult result) {
        List<Lines.Line> lines = new ArrayList<>();
        if (result.skippedPairs() < result.pairs()) {
            lines.add(line(result, "first token's key, between inputs", GeometryResult.Layer::sinkKey));
            lines.add(line(result, "first token's value, between inputs", GeometryResult.Layer::sinkValue));
        }
        lines.add(line(result, "mean key, between inputs", GeometryResult.Layer::meanKey));
        lines.add(line(result, "mean key and first token's key", GeometryResult.Layer::opposite));
        return new Lines(
                "Directions of keys and values: " + result.evaluated().model(),
                Axis.fromZero("layer"),
                Axis.of("cosine, median"),
                lines);
    }

    private static Lines.Line line(
            GeometryResult result, String name, Function<GeometryResult.Layer, Cosines> cosines) {
        List<Double> x = IntStream.range(0, result.layers().size())
                .mapToObj(i -> (double) i)
                .toList();
        List<Double> y = result.layers().stream()
                .map(layer -> cosines.apply(layer).median())
                .toList();
        return new Lines.Line(name, x, y);
    }
}
