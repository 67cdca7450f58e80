package dev.lectern.measure;

import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Graphics2D;
import java.awt.geom.Line2D;
import java.nio.file.Path;
import java.util.List;
import org.knowm.xchart.CategoryChart;
import org.knowm.xchart.CategoryChartBuilder;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.CategoryStyler;

/**
 * Groups of bars from zero up, each with a whisker over the interval that it lies in.
 *
 * @param yAxis what their height is, with its unit
 * @param top where the axis of heights ends
 * @param groups what stands side by side, such as tasks; one or more
 * @param series bars of one colour, one in each group
 */
public record Bars(String title, String yAxis, double top, List<String> groups, List<Series> series) implements Figure {
    /**
     * Bars of one colour.
     *
     * @param bars as many as there are groups
     */
    public record Series(String name, List<Bar> bars) {
        public Series {
            bars = List.copyOf(bars);
        }
    }

    /**
     * A bar.
     *
     * @param value its height
     * @param low where its whisker begins
     * @param high where it ends; need not be as far from the value as {@code low} is
     */
    public record Bar(double value, double low, double high) {}

    public Bars {
        groups = List.copyOf(groups);
        series = List.copyOf(series);
        for (Series one : series) {
            if (groups.isEmpty() || one.bars().size() != groups.size()) {
                throw new IllegalArgumentException(
                        one.name() + ": " + one.bars().size() + " bars in " + groups.size() + " groups");
            }
        }
    }

    @Override
    public List<Path> write(Path folder, String name) {
        return Drawing.write(this::chart, folder, name);
    }

    private CategoryChart chart() {
        // So that a bar is wide enough for its whisker.
        int width = Math.max(Drawing.WIDTH, 100 + groups.size() * (20 + 12 * series.size()));
        Drawing.Legend legend =
                Drawing.Legend.of(series.stream().map(Series::name).toList(), width);
        CategoryChart chart = new WhiskerChart(new CategoryChartBuilder()
                .width(width)
                .height(Drawing.HEIGHT + legend.height())
                .title(title)
                .yAxisTitle(yAxis));
        CategoryStyler styler = chart.getStyler();
        legend.put(styler);
        styler.setAvailableSpaceFill(0.8);
        styler.setXAxisMaxLabelCount(Math.max(2, groups.size()));
        styler.setXAxisLabelRotation(45);
        styler.setXAxisLabelAlignment(AxesChartStyler.TextAlignment.Right);
        styler.setXAxisLabelAlignmentVertical(AxesChartStyler.TextAlignment.Right);
        // Names end below their bars and begin further left, where the axis must leave them room.
        styler.setYAxisLeftWidthHint(
                (int) (Math.sqrt(0.5) * Drawing.width(groups.getFirst(), styler.getAxisTickLabelsFont())));
        styler.setYAxisTickLabelsFormattingFunction(Drawing::number);
        styler.setPlotContentSize(0.96);
        styler.setPlotGridVerticalLinesVisible(false);
        styler.setYAxisMin(0.0);
        styler.setYAxisMax(top);
        for (Series one : series) {
            chart.addSeries(
                    one.name(), groups, one.bars().stream().map(Bar::value).toList());
        }
        return chart;
    }

    /** XChart's own whiskers reach as far up as down, which the interval of a share does not. */
    private final class WhiskerChart extends CategoryChart {
        /** Half the width of a whisker's ends, in pixels. */
        private static final double END = 3;

        WhiskerChart(CategoryChartBuilder builder) {
            super(builder);
        }

        @Override
        public void paint(Graphics2D graphics, int width, int height) {
            super.paint(graphics, width, height);
            graphics.setColor(Color.BLACK);
            graphics.setStroke(new BasicStroke(1));
            double fill = getStyler().getAvailableSpaceFill();
            for (int group = 0; group < groups.size(); group++) {
                for (int i = 0; i < series.size(); i++) {
                    // A group is 1 wide, its bars share the middle of it.
                    double middle = group + (1 - fill) / 2 + fill * (i + 0.5) / series.size();
                    draw(
                            graphics,
                            getScreenXFromChart(middle),
                            series.get(i).bars().get(group));
                }
            }
        }

        private void draw(Graphics2D graphics, double x, Bar bar) {
            double low = getScreenYFromChart(bar.low), high = getScreenYFromChart(bar.high);
            graphics.draw(new Line2D.Double(x, low, x, high));
            graphics.draw(new Line2D.Double(x - END, low, x + END, low));
            graphics.draw(new Line2D.Double(x - END, high, x + END, high));
        }
    }
}
