package dev.lectern.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** What attention costs over what was looked at, a line for each method, on logarithmic axes. */
public final class ErrorFigure {
    private static final String BYTES = "bytes read, index included, % of dense attention's";
    private static final String ERROR = "relative error of the output, mean";

    private ErrorFigure() {}

    /** @param families mean errors of each method by the share of tokens in per cent, ascending */
    public static Figure of(Map<String, ? extends Map<Double, Double>> families, String title) {
        return of(families, title, "tokens that a query head looks at, %", ERROR);
    }

    /** @param families mean errors of each method by the share of bytes in per cent, ascending */
    public static Figure byBytes(Map<String, ? extends Map<Double, Double>> families, String title) {
        return of(families, title, BYTES, ERROR);
    }

    /** @param families mean divergences of each method by the share of bytes in per cent, ascending */
    public static Figure divergence(Map<String, ? extends Map<Double, Double>> families, String title) {
        return of(families, title, BYTES, "mean Kullback–Leibler divergence, nats");
    }

    private static Figure of(
            Map<String, ? extends Map<Double, Double>> families, String title, String abscissa, String ordinate) {
        List<Lines.Line> lines = new ArrayList<>();
        families.forEach((family, errors) ->
                lines.add(new Lines.Line(family, List.copyOf(errors.keySet()), List.copyOf(errors.values()))));
        return new Lines(title, Axis.logarithmic(abscissa), Axis.logarithmic(ordinate), lines);
    }
}
