package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class FigureTest {
    private static final int BLUE = 0x0072B2;
    private static final int VERMILION = 0xD55E00;
    private static final int BLACK = 0;

    @TempDir
    Path folder;

    @Test
    void aFigureIsAPngAndAnSvg() throws Exception {
        List<Double> x = List.of(1.0, 2.0, 3.0);
        Figure figure = new Lines(
                "Growing & <falling>",
                Axis.fromZero("x"),
                Axis.fromZero("y"),
                List.of(
                        new Lines.Line("up", x, List.of(1.0, 2.5, 4.0)),
                        new Lines.Line("down", x, List.of(3.0, 2.0, 0.0))));
        List<Path> files = figure.write(folder.resolve("new"), "lines");
        assertThat(files).containsExactly(folder.resolve("new/lines.png"), folder.resolve("new/lines.svg"));

        BufferedImage image = ImageIO.read(files.getFirst().toFile());
        assertThat(image.getWidth()).isEqualTo(800);
        assertThat(image.getHeight()).isEqualTo(500);
        assertThat(rows(image, BLUE)).as("the first line is drawn").isNotEmpty();
        assertThat(rows(image, VERMILION)).as("the second line is drawn").isNotEmpty();

        Document svg = parsed(files.getLast());
        assertThat(svg.getDocumentElement().getLocalName()).isEqualTo("svg");
        assertThat(svg.getElementsByTagNameNS("*", "path").getLength()).isPositive();
        try (var left = Files.list(folder.resolve("new"))) {
            assertThat(left).hasSize(2);
        }
    }

    private static Lines line(Axis y, Double... numbers) {
        List<Double> x =
                IntStream.range(0, numbers.length).mapToObj(i -> i + 1.0).toList();
        return new Lines("A line", Axis.fromZero("x"), y, List.of(new Lines.Line("line", x, List.of(numbers))));
    }

    /** Of a line of three points, each the end of a stretch with another slope: where the middle one is, 0 at the top end and 1 at the bottom end. */
    private double middle(Axis y, Double... numbers) throws IOException {
        BufferedImage image = drawn(line(y, numbers));
        int[] columns = IntStream.range(0, image.getWidth())
                .filter(column -> !rows(image, BLUE, column).isEmpty())
                .toArray();
        int centre = (columns[0] + columns[columns.length - 1]) / 2;
        double top = mean(rows(image, BLUE, columns[columns.length - 1])), bottom = mean(rows(image, BLUE, columns[0]));
        return (mean(rows(image, BLUE, centre)) - top) / (bottom - top);
    }

    private static double mean(List<Integer> rows) {
        return rows.stream().mapToInt(Integer::intValue).average().orElseThrow();
    }

    @Test
    void equalFactorsAreEqualStepsOnALogarithmicAxis() throws IOException {
        assertThat(middle(Axis.logarithmic("y"), 1e-5, 1e-3, 1e-1)).isCloseTo(0.5, within(0.02));
        assertThat(middle(Axis.fromZero("y"), 1e-5, 1e-3, 1e-1)).isCloseTo(0.99, within(0.02));
    }

    @Test
    void anAxisGoesBelowZeroIfItMay() throws IOException {
        assertThat(middle(Axis.of("y"), -4.0, 0.0, 4.0)).isCloseTo(0.5, within(0.02));
        assertThat(middle(Axis.between(-10, 10, "y"), -4.0, -3.0, 4.0)).isCloseTo(0.875, within(0.02));
    }

    @Test
    void whatIsNotAboveZeroIsLeftOutOfALogarithmicAxisAndZeroAloneIsDrawn() throws IOException {
        assertThat(rows(drawn(line(Axis.logarithmic("y"), 0.0, 1e-3, -1.0, 1e-2, Double.NaN)), BLUE))
                .isNotEmpty();
        assertThat(rows(drawn(line(Axis.logarithmic("y"), 0.0, 0.0)), BLUE)).isNotEmpty();
    }

    @Test
    void pointsAreMarkedWhereTheyAreFew() throws IOException {
        Double[] few = DoubleStream.iterate(1, x -> x + 1).limit(5).boxed().toArray(Double[]::new);
        Double[] many = DoubleStream.iterate(1, x -> x + 1).limit(50).boxed().toArray(Double[]::new);
        assertThat(thickest(drawn(line(Axis.fromZero("y"), few))))
                .isGreaterThan(2 * thickest(drawn(line(Axis.fromZero("y"), many))));
    }

    private static int thickest(BufferedImage image) {
        return IntStream.range(0, image.getWidth())
                .map(column -> rows(image, BLUE, column).size())
                .max()
                .orElseThrow();
    }

    private static Bars bars(List<String> groups, List<String> names, Bars.Bar bar) {
        return new Bars(
                "Bars",
                "score",
                100,
                groups,
                names.stream()
                        .map(name -> new Bars.Series(name, Collections.nCopies(groups.size(), bar)))
                        .toList());
    }

    @Test
    void aWhiskerReachesFromLowToHigh() throws IOException {
        BufferedImage image = drawn(new Bars(
                "Bars",
                "score",
                100,
                List.of("one", "two"),
                List.of(
                        new Bars.Series("a", List.of(new Bars.Bar(100, 100, 100), new Bars.Bar(0, 0, 0))),
                        new Bars.Series("b", List.of(new Bars.Bar(50, 50, 50), new Bars.Bar(60, 20, 70))))));
        // The legend is below, in the same colours.
        List<Integer> blue = rows(image, BLUE).stream().filter(row -> row < 430).toList();
        int top = blue.getFirst(), bottom = blue.getLast();
        int[] bar = IntStream.range(0, image.getWidth())
                .filter(column -> rows(image, VERMILION, column).size() > 60)
                .filter(column -> column > image.getWidth() / 2)
                .toArray();
        int middle = IntStream.of(bar)
                .filter(column -> rows(image, BLACK, column).size() > 50)
                .findFirst()
                .orElseThrow();
        List<Integer> whisker =
                rows(image, BLACK, middle).stream().filter(row -> row <= bottom).toList();
        double unit = (bottom - top) / 100.0;
        assertThat((double) whisker.getFirst()).as("its upper end").isCloseTo(bottom - 70 * unit, within(2.0));
        assertThat((double) whisker.getLast()).as("its lower end").isCloseTo(bottom - 20 * unit, within(2.0));
        assertThat(middle)
                .as("in the middle of its bar")
                .isBetween(bar[0] + bar.length / 2 - 4, bar[0] + bar.length / 2 + 4);
    }

    @Test
    void everyGroupHasItsName() throws Exception {
        Bars.Bar bar = new Bars.Bar(50, 40, 60);
        int without = texts(bars(names("niah_multiquery_", 1), List.of("a"), bar)) - 1;
        for (int groups : new int[] {2, 5, 13, 14, 15, 25}) {
            int texts = texts(bars(names("niah_multiquery_", groups), List.of("a"), bar));
            assertThat(texts).as("%d groups", groups).isEqualTo(without + groups);
        }
    }

    @Test
    void aLegendThatIsTooWideStandsInAColumn() throws IOException {
        Bars.Bar bar = new Bars.Bar(50, 40, 60);
        List<String> groups = names("task", 3);
        assertThat(drawn(bars(groups, names("a", 4), bar)).getHeight()).isEqualTo(500);
        assertThat(drawn(bars(groups, names("a method with a long name, 4096 tokens, ", 4), bar))
                        .getHeight())
                .isGreaterThan(600);
    }

    @Test
    void aLegendIsNeverCut() throws IOException {
        Bars.Bar bar = new Bars.Bar(50, 40, 60);
        for (int letters = 0; letters < 12; letters++) {
            List<String> names = names("n".repeat(letters) + " bf16, 1000 tokens", 4);
            BufferedImage image = drawn(bars(names("niah_multiquery_", 5), names, bar));
            // A letter and the space beside it are narrower than that.
            for (int column = image.getWidth() - 6; column < image.getWidth(); column++) {
                assertThat(rows(image, 0xFFFFFF, column))
                        .as("%s, column %d", names.getFirst(), column)
                        .hasSize(image.getHeight());
            }
        }
    }

    @Test
    void aTitleIsNotWiderThanItsFigure() throws IOException {
        BufferedImage titled =
                drawn(new HeatMap("W".repeat(150), "x", "y", List.of("a"), List.of("b"), List.of(List.of(50.0))));
        for (int column : new int[] {0, titled.getWidth() - 1}) {
            assertThat(rows(titled, 0xFFFFFF, column)).hasSize(titled.getHeight());
        }
    }

    @Test
    void theColoursOfAMapAreAlwaysTheSame() throws IOException {
        int lowest = 0xFDF1D6, middle = 0xA6D1E6, highest = 0x3B8FC9;
        List<String> names = List.of("1024", "2048");
        BufferedImage full = drawn(new HeatMap(
                "Map",
                "tokens",
                "depth",
                names,
                List.of("0 %", "100 %"),
                List.of(List.of(0.0, 50.0), List.of(50.0, 100.0))));
        assertThat(rows(full, lowest)).isNotEmpty();
        assertThat(rows(full, highest)).isNotEmpty();
        assertThat(rows(full, lowest).getLast())
                .as("the first row is above")
                .isLessThan(rows(full, highest).getFirst());
        assertThat(rows(full, BLACK)).as("numbers are written").isNotEmpty();
        BufferedImage even =
                drawn(new HeatMap("Map", "tokens", "depth", names, List.of("0 %"), List.of(List.of(50.0, 50.0))));
        assertThat(rows(even, middle)).isNotEmpty();
        assertThat(rows(even, lowest)).isEmpty();
        assertThat(rows(even, highest)).isEmpty();
    }

    @Test
    void everyRowAndColumnOfAMapHasItsName() throws Exception {
        for (int rows : new int[] {1, 2, 11, 21}) {
            for (int columns : new int[] {1, 3, 16}) {
                int texts = texts(new HeatMap(
                        "Map",
                        "tokens",
                        "depth",
                        names("1234", columns),
                        names("", rows),
                        Collections.nCopies(rows, Collections.nCopies(columns, 7.0))));
                // The title and those of the axes; each cell has its number besides.
                assertThat(texts)
                        .as("%d rows, %d columns", rows, columns)
                        .isEqualTo(3 + rows + columns + rows * columns);
            }
        }
    }

    @Test
    void whatDoesNotFitTogetherIsRefused() {
        List<Bars.Series> one = List.of(new Bars.Series("s", List.of(new Bars.Bar(1, 1, 1))));
        assertThatThrownBy(() -> new Bars("t", "y", 100, List.of("a", "b"), one))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new HeatMap("t", "x", "y", List.of("a"), List.of("b", "c"), List.of(List.of(1.0))))
                .isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void numbersAreWrittenShort() {
        assertThat(DoubleStream.of(0, 4096, 131072, 0.1 + 0.2, 1e-3, 1e-4, 2.5e-7, -1.5, 1e7)
                        .mapToObj(Drawing::number))
                .containsExactly("0", "4096", "131072", "0.3", "0.001", "1e-4", "2.5e-7", "-1.5", "1e7");
    }

    private static List<String> names(String begin, int count) {
        return IntStream.range(0, count).mapToObj(i -> begin + i).toList();
    }

    private BufferedImage drawn(Figure figure) throws IOException {
        return ImageIO.read(figure.write(folder, "drawn").getFirst().toFile());
    }

    /** Texts in the drawing: their letters are shapes, each text moved to its place. */
    private int texts(Figure figure) throws Exception {
        Document svg = parsed(figure.write(folder, "texts").getLast());
        var groups = svg.getElementsByTagNameNS("*", "g");
        return (int) IntStream.range(0, groups.getLength())
                .filter(i -> groups.item(i).getAttributes().getNamedItem("transform") != null)
                .count();
    }

    /** Which rows have a pixel of a colour. */
    static List<Integer> rows(BufferedImage image, int rgb) {
        return IntStream.range(0, image.getHeight())
                .filter(row -> IntStream.range(0, image.getWidth())
                        .anyMatch(column -> (image.getRGB(column, row) & 0xFFFFFF) == rgb))
                .boxed()
                .toList();
    }

    private static List<Integer> rows(BufferedImage image, int rgb, int column) {
        return IntStream.range(0, image.getHeight())
                .filter(row -> (image.getRGB(column, row) & 0xFFFFFF) == rgb)
                .boxed()
                .toList();
    }

    private static Document parsed(Path svg) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        // The document names a DTD on the web, which is not needed.
        factory.setFeature("http://apache.org/xml/features/nonvalidating/load-external-dtd", false);
        try (var in = Files.newInputStream(svg)) {
            return factory.newDocumentBuilder().parse(in);
        } catch (IOException e) {
            throw new AssertionError(svg + " is not XML", e);
        }
    }
}
