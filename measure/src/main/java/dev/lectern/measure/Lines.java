package dev.lectern.measure;

import java.nio.file.Path;
import java.util.DoubleSummaryStatistics;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** Lines over two axes. Points are marked where they are few. */
public record Lines(String title, Axis x, Axis y, List<Line> lines) implements Figure {
    /** Marks of more points than that would hide the line. */
    private static final int MARKED = 30;

    /**
     * One line.
     *
     * @param x ascending, as many as y
     */
    public record Line(String name, List<Double> x, List<Double> y) {
        public Line {
            x = List.copyOf(x);
            y = List.copyOf(y);
        }
    }

    public Lines {
        lines = List.copyOf(lines);
    }

    @Override
    public List<Path> write(Path folder, String name) {
        return Drawing.write(this::chart, folder, name);
    }

    private XYChart chart() {
        Drawing.Legend legend = Drawing.Legend.of(lines.stream().map(Line::name).toList(), Drawing.WIDTH);
        Scale across = new Scale(x, lines.stream().flatMap(line -> line.x().stream()));
        Scale up = new Scale(y, lines.stream().flatMap(line -> line.y().stream()));
        XYChart chart = new XYChartBuilder()
                .width(Drawing.WIDTH)
                .height(Drawing.HEIGHT + legend.height())
                .title(title)
                .xAxisTitle(x.title())
                .yAxisTitle(y.title())
                .build();
        AxesChartStyler styler = chart.getStyler();
        legend.put(styler);
        across.axis.from().ifPresent(styler::setXAxisMin);
        across.axis.to().ifPresent(styler::setXAxisMax);
        up.axis.from().ifPresent(styler::setYAxisMin);
        up.axis.to().ifPresent(styler::setYAxisMax);
        styler.setXAxisTickMarkSpacingHint(100);
        styler.setXAxisLogarithmic(across.axis.logarithmic());
        styler.setYAxisLogarithmic(up.axis.logarithmic());
        styler.setXAxisLogarithmicDecadeOnly(false);
        styler.setYAxisLogarithmicDecadeOnly(false);
        styler.setXAxisTickLabelsFormattingFunction(across::label);
        styler.setYAxisTickLabelsFormattingFunction(up::label);
        for (Line line : lines) {
            int[] shown = IntStream.range(0, line.x().size())
                    .filter(i ->
                            across.shows(line.x().get(i)) && up.shows(line.y().get(i)))
                    .toArray();
            if (shown.length > 0) {
                chart.addSeries(line.name(), numbers(line.x(), shown), numbers(line.y(), shown))
                        .setMarker(shown.length > MARKED ? SeriesMarkers.NONE : SeriesMarkers.CIRCLE);
            }
        }
        return chart;
    }

    private static double[] numbers(List<Double> all, int[] shown) {
        return IntStream.of(shown).mapToDouble(all::get).toArray();
    }

    /** An axis with the numbers that it is for. */
    private static final class Scale {
        final Axis axis;

        /** First digits of the marks of a logarithmic axis that have room for their number. */
        private final String told;

        /** A logarithmic axis without any number above zero could show nothing: a linear one shows that they are zero. */
        Scale(Axis wanted, Stream<Double> numbers) {
            DoubleSummaryStatistics shown = numbers.mapToDouble(Double::doubleValue)
                    .filter(number -> shows(wanted, number))
                    .summaryStatistics();
            axis = wanted.logarithmic() && shown.getCount() == 0 ? Axis.fromZero(wanted.title()) : wanted;
            double span = shown.getMax() / shown.getMin();
            told = span < 10 ? "123456789" : span < 1000 ? "125" : "1";
        }

        private static boolean shows(Axis axis, double number) {
            return Double.isFinite(number) && (number > 0 || !axis.logarithmic());
        }

        boolean shows(double number) {
            return shows(axis, number);
        }

        String label(double mark) {
            String number = Drawing.number(mark);
            boolean room = !axis.logarithmic()
                    || told.contains(number.replaceAll("[0.]", "").substring(0, 1));
            return room ? number : " ";
        }
    }
}
