package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.imageio.ImageIO;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Document;

class FigureTest {
    @TempDir
    Path folder;

    @Test
    void aFigureIsAPngAndAnSvg() throws Exception {
        List<Double> x = List.of(1.0, 2.0, 3.0);
        Figure figure = new Figure(
                "Growing & <falling>",
                "x",
                "y",
                List.of(
                        new Figure.Line("up", x, List.of(1.0, 2.5, 4.0)),
                        new Figure.Line("down", x, List.of(3.0, 2.0, 0.0))));
        List<Path> files = figure.write(folder.resolve("new"), "lines");
        assertThat(files).containsExactly(folder.resolve("new/lines.png"), folder.resolve("new/lines.svg"));

        BufferedImage image = ImageIO.read(files.getFirst().toFile());
        assertThat(image.getWidth()).isEqualTo(800);
        assertThat(image.getHeight()).isEqualTo(500);
        assertThat(hasColour(image, 0x0072B2)).as("the first line is drawn").isTrue();
        assertThat(hasColour(image, 0xD55E00)).as("the second line is drawn").isTrue();

        Document svg = parsed(files.getLast());
        assertThat(svg.getDocumentElement().getLocalName()).isEqualTo("svg");
        assertThat(svg.getElementsByTagNameNS("*", "path").getLength()).isPositive();
        try (var left = Files.list(folder.resolve("new"))) {
            assertThat(left).hasSize(2);
        }
    }

    @Test
    void aLineBelowZeroIsDrawnToItsLowestPoint() throws IOException {
        List<Double> x = List.of(0.0, 1.0, 2.0);
        Figure figure = new Figure("t", "x", "y", List.of(new Figure.Line("low", x, List.of(-0.5, -1.0, -0.25))));
        BufferedImage image =
                ImageIO.read(figure.write(folder, "low").getFirst().toFile());
        int middle = image.getWidth() / 2, lowest = 0;
        for (int column = middle - 40; column < middle + 40; column++) {
            for (int row = 0; row < image.getHeight() * 4 / 5; row++) {
                lowest = (image.getRGB(column, row) & 0xFFFFFF) == 0x0072B2 ? Math.max(lowest, row) : lowest;
            }
        }
        // The deepest point is at the foot of the plot, well below its middle.
        assertThat(lowest).isGreaterThan(image.getHeight() * 3 / 5);
    }

    private static boolean hasColour(BufferedImage image, int rgb) {
        for (int y = 0; y < image.getHeight(); y++) {
            for (int x = 0; x < image.getWidth(); x++) {
                if ((image.getRGB(x, y) & 0xFFFFFF) == rgb) {
                    return true;
                }
            }
        }
        return false;
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
