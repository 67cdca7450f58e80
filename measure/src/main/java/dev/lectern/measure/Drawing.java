package dev.lectern.measure;

import dev.lectern.LecternException;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.font.FontRenderContext;
import java.awt.font.TextLayout;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.VectorGraphicsEncoder;
import org.knowm.xchart.internal.chartpart.AxesChart;
import org.knowm.xchart.style.AxesChartStyler;
import org.knowm.xchart.style.Styler;

/** What figures have in common: how they look, and how they become files. */
final class Drawing {
    /** Pixels. */
    static final int WIDTH = 800;

    static final int HEIGHT = 500;

    private static final Pattern LONG_FRACTION = Pattern.compile("(\\d\\.\\d\\d)\\d+");

    /** Blue, vermilion, green, purple, sky blue, orange, yellow, and grey for black: apart for colour-blind readers too (Okabe and Ito's palette). */
    private static final int[] COLOURS = {0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0x56B4E9, 0xE69F00, 0xF0E442, 0x999999
    };

    private static final int GRID = 0xDDDDDD;

    static {
        // Must be said before the first class of AWT looks for a screen; who has said otherwise is not overruled.
        if (System.getProperty("java.awt.headless") == null) {
            System.setProperty("java.awt.headless", "true");
        }
    }

    private Drawing() {}

    /**
     * A legend below the axes, where it covers nothing.
     *
     * @param column whether names stand in a column, as those do that have no room beside each other
     */
    record Legend(int names, boolean column) {
        /** Pixels that a name takes besides its letters, and that one in a column is high. */
        private static final int MARK = 45, LINE = 30;

        private static final Font FONT = new Font(Font.SANS_SERIF, Font.PLAIN, 12);

        /** The legend stands below the middle of the axes, which is right of the middle, so some of the width is lost. */
        static Legend of(List<String> names, int width) {
            return new Legend(
                    names.size(),
                    names.stream().mapToDouble(name -> MARK + width(name, FONT)).sum() > 0.9 * width);
        }

        /** What a figure needs besides its usual height, in pixels. */
        int height() {
            return column ? LINE * names : 0;
        }

        /** One name alone needs no legend. */
        void put(Styler styler) {
            styler.setLegendVisible(names > 1);
            styler.setLegendFont(FONT);
            styler.setLegendPosition(Styler.LegendPosition.OutsideS);
            styler.setLegendLayout(column ? Styler.LegendLayout.Vertical : Styler.LegendLayout.Horizontal);
        }
    }

    /** As {@link Figure#write} says. The chart is made twice, because drawing one changes it. */
    static List<Path> write(Supplier<? extends AxesChart<?, ?>> chart, Path folder, String name) {
        Path png = folder.resolve(name + ".png");
        Path svg = folder.resolve(name + ".svg");
        byte[] pngBytes;
        ByteArrayOutputStream svgBytes = new ByteArrayOutputStream();
        try {
            pngBytes = BitmapEncoder.getBitmapBytes(styled(chart.get()), BitmapEncoder.BitmapFormat.PNG);
            VectorGraphicsEncoder.saveVectorGraphic(
                    styled(chart.get()), svgBytes, VectorGraphicsEncoder.VectorGraphicsFormat.SVG);
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

    private static AxesChart<?, ?> styled(AxesChart<?, ?> chart) {
        AxesChartStyler styler = chart.getStyler();
        styler.setLocale(Locale.ROOT);
        styler.setSeriesColors(colours(COLOURS));
        styler.setChartBackgroundColor(Color.WHITE);
        styler.setPlotBorderVisible(false);
        styler.setPlotGridLinesColor(new Color(GRID));
        styler.setPlotGridLinesStroke(new BasicStroke(1));
        styler.setLegendBorderColor(Color.WHITE);
        styler.setChartTitlePadding(10);
        styler.setChartTitleFont(fitting(chart.getTitle(), chart.getWidth(), styler.getChartTitleFont()));
        return chart;
    }

    static Color[] colours(int... rgb) {
        return IntStream.of(rgb).mapToObj(Color::new).toArray(Color[]::new);
    }

    /** A smaller font for a title that would not fit. It stands over the middle of the axes, which is right of the middle. */
    private static Font fitting(String title, int width, Font font) {
        double wide = width(title, font);
        double room = 0.8 * width;
        return wide <= room ? font : font.deriveFont((float) (font.getSize2D() * room / wide));
    }

    /** In pixels. */
    static double width(String text, Font font) {
        return new TextLayout(text, font, new FontRenderContext(null, true, true)).getAdvance();
    }

    /** {@code 4096}, {@code 0.01}, {@code 1e-5}: without the noise of its last digits, and the same in every country. */
    static String number(double value) {
        BigDecimal rounded = new BigDecimal(value, new MathContext(6)).stripTrailingZeros();
        int exponent = rounded.signum() == 0 ? 0 : rounded.precision() - rounded.scale() - 1;
        return -4 < exponent && exponent < 7
                ? rounded.toPlainString()
                : rounded.scaleByPowerOfTen(-exponent).toPlainString() + "e" + exponent;
    }
}
