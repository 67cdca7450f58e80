package dev.lectern.measure;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.HeatMapChart;
import org.knowm.xchart.HeatMapChartBuilder;
import org.knowm.xchart.style.HeatMapStyler;

/**
 * Scores over two things, each a cell with its number; the colours of 0 to 100 are always the same.
 *
 * @param columns from left to right
 * @param rows from top to bottom
 * @param scores 0 to 100; [rows][columns]
 */
public record HeatMap(
        String title, String xAxis, String yAxis, List<String> columns, List<String> rows, List<List<Double>> scores)
        implements Figure {
    /** From sand to blue: darker the higher, for whoever sees no colours, and never so dark that black letters are lost. */
    private static final int[] COLOURS = {0xFDF1D6, 0xA6D1E6, 0x3B8FC9};

    public HeatMap {
        columns = List.copyOf(columns);
        rows = List.copyOf(rows);
        scores = scores.stream().map(List::copyOf).toList();
        for (List<Double> row : scores) {
            if (scores.size() != rows.size() || row.size() != columns.size()) {
                throw new IllegalArgumentException(scores.size() + " × " + row.size() + " scores in a map of "
                        + rows.size() + " × " + columns.size());
            }
        }
    }

    @Override
    public List<Path> write(Path folder, String name) {
        return Drawing.write(this::chart, folder, name);
    }

    private HeatMapChart chart() {
        HeatMapChart chart = new HeatMapChartBuilder()
                .width(Math.max(Drawing.WIDTH, 200 + 45 * columns.size()))
                .height(Math.max(Drawing.HEIGHT, 120 + 25 * rows.size()))
                .title(title)
                .xAxisTitle(xAxis)
                .yAxisTitle(yAxis)
                .build();
        HeatMapStyler styler = chart.getStyler();
        styler.setMin(0);
        styler.setMax(100);
        styler.setRangeColors(Drawing.colours(COLOURS));
        styler.setShowValue(true);
        styler.setHeatMapValueDecimalPattern("0");
        styler.setLegendVisible(false);
        // Meant for both axes, and at least 2.
        styler.setXAxisMaxLabelCount(Math.max(2, Math.max(rows.size(), columns.size())));
        styler.setYAxisTickMarkSpacingHint(10);
        styler.setPlotContentSize(1);
        styler.setPlotGridLinesVisible(false);
        List<Number[]> cells = new ArrayList<>();
        for (int row = 0; row < rows.size(); row++) {
            for (int column = 0; column < columns.size(); column++) {
                // XChart counts rows from below.
                cells.add(new Number[] {
                    column, rows.size() - 1 - row, scores.get(row).get(column)
                });
            }
        }
        chart.addSeries("score", columns, rows.reversed(), cells);
        return chart;
    }
}
