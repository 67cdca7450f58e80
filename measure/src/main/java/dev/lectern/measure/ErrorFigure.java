package dev.lectern.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Errors of attention over what was looked at, a line for each method, on logarithmic axes. */
public final class ErrorFigure {
    private ErrorFigure() {}

    /** @param families mean errors of each method by the share of tokens in per cent, ascending */
    public static Figure of(Map<String, ? extends Map<Double, Double>> families, String title) {
        return of(families, title, "tokens that a query head looks at, %");
    }

    /** @param families mean errors of each method by the share of bytes in per cent, ascending */
    public static Figure byBytes(Map<String, ? extends Map<Double, Double>> families, String title) {
        return of(families, title, "bytes read, index included, % of dense attention's");
    }

    private static Figure of(Map<String, ? extends Map<Double, Double>> families, String title, String abscissa) {
        List<Lines.Line> lines = new ArrayList<>();
        families.forEach((family, errors) ->
                lines.add(new Lines.Line(family, List.copyOf(errors.keySet()), List.copyOf(errors.values()))));
        return new Lines(
                title, Axis.logarithmic(abscissa), Axis.logarithmic("relative error of the output, mean"), lines);
    }
}
