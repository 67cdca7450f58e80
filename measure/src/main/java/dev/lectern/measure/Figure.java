package dev.lectern.measure;

import dev.lectern.LecternException;
import java.awt.Color;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.Styler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * Lines over two axes that begin at zero, or where y is negative at the smallest y, as PNG and SVG. Needs no screen.
 *
 * @param xAxis what x is, with its unit
 * @param yAxis what y is, with its unit
 */
public record Figure(String title, String xAxis, String yAxis, List<Line> lines) {
    private static final int WIDTH = 800;
    private static final int HEIGHT = 500;

    private static final Pattern LONG_FRACTION = Pattern.compile("(\\d\\.\\d\\d)\\d+");

    /** Blue, orange, green, purple: apart for colour-blind readers too (Okabe and Ito's palette). */
    private static final Color[] COLOURS = {
        new Color(0x0072B2), new Color(0xD55E00), new Color(0x009E73), new Color(0xCC79A7)
    };

    static {
        // Must be said before the first class of AWT looks for a screen; who has said otherwise is not overruled.
        if (System.getProperty("java.awt.headless") == null) {
            System.setProperty("java.awt.headless", "true");
        }
    }

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

    public Figure {
        lines = List.copyOf(lines);
    }

    /**
     * Draws it into {@code NAME.png} and {@code NAME.svg}.
     *
     * @return the files
     * @throws LecternException if this machine cannot draw, with the remedy, or the files cannot be written
     */
    public List<Path> write(Path folder, String name) {
        Path png = folder.resolve(name + ".png");
        Path svg = folder.resolve(name + ".svg");
        byte[] pngBytes;
        ByteArrayOutputStream svgBytes = new ByteArrayOutputStream();
        try {
            pngBytes = BitmapEncoder.getBitmapBytes(chart(), BitmapEncoder.BitmapFormat.PNG);
            VectorGraphicsEncoder.saveVectorGraphic(chart(), svgBytes, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
        } catch (IOException | RuntimeException | LinkageError | InternalError e) {
            // Without fonts AWT fails in any of these ways.
            throw new LecternException(
                    LecternException.Kind.INTERNAL,
                    "The figure " + name + " cannot be drawn (" + e + "): Java needs fontconfig and a font for it"
                            + " (Debian and Ubuntu: apt install fontconfig fonts-dejavu-core). The numbers are not lost.",
                    e);
        }
        AtomicFile.write(png, pngBytes);
        AtomicFile.write(svg, rounded(svgBytes.toString(StandardCharsets.UTF_8)).getBytes(StandardCharsets.UTF_8));
        return List.of(png, svg);
    }

    /** A hundredth of a pixel is enough: letters are drawn as curves, and half of such a file would be digits that nobody sees. */
    private static String rounded(String svg) {
        return LONG_FRACTION.matcher(svg).replaceAll("$1");
    }

    private XYChart chart() {
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .title(title)
                .xAxisTitle(xAxis)
                .yAxisTitle(yAxis)
                .build();
        chart.getStyler().setLocale(Locale.ROOT);
        chart.getStyler().setSeriesColors(COLOURS);
        chart.getStyler().setChartBackgroundColor(Color.WHITE);
        chart.getStyler().setLegendPosition(Styler.LegendPosition.OutsideS);
        chart.getStyler().setLegendLayout(Styler.LegendLayout.Horizontal);
        chart.getStyler().setXAxisTickMarkSpacingHint(100);
        chart.getStyler().setXAxisMin(0.0);
        chart.getStyler().setYAxisMin(lowest());
        for (Line line : lines) {
            chart.addSeries(line.name(), array(line.x()), array(line.y())).setMarker(SeriesMarkers.NONE);
        }
        return chart;
    }

    private double lowest() {
        return lines.stream().flatMap(line -> line.y().stream()).reduce(0.0, Math::min);
    }

    private static double[] array(List<Double> numbers) {
        return numbers.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
