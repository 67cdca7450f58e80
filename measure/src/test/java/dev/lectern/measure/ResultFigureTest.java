package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.measure.tasks.Task;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Results of evaluations as figures. */
class ResultFigureTest {
    private static final int BLUE = 0x0072B2;
    private static final int VERMILION = 0xD55E00;
    private static final int GREEN = 0x009E73;
    private static final int PURPLE = 0xCC79A7;
    private static final int SKY_BLUE = 0x56B4E9;
    private static final int LOWEST = 0xFDF1D6;
    private static final int HIGHEST = 0x3B8FC9;

    private static final Evaluated EVALUATED = new Evaluated("tiny", "0", 1, Provenance.here("lectern eval"));

    @TempDir
    Path folder;

    private static BufferedImage read(Path png) throws IOException {
        return ImageIO.read(png.toFile());
    }

    /** Ten samples of each task, all with the score of their method. */
    private static TaskResults results(TaskOptions options, double... scores) {
        List<TaskResults.Row> rows = new ArrayList<>();
        for (int length : options.lengths()) {
            for (int method = 0; method < scores.length; method++) {
                for (Task task : options.tasks(length)) {
                    rows.add(new TaskResults.Row(
                            task.name(),
                            options.methods().get(method),
                            length,
                            Collections.nCopies(10, scores[method]),
                            0,
                            1));
                }
            }
        }
        return new TaskResults(EVALUATED, options, rows, List.of());
    }

    @Test
    void lengthsAndMethodsStandSideBySide() throws IOException {
        TaskOptions options =
                TaskOptions.DEFAULT.withLengths(List.of(2048, 4096)).withKv(List.of("f16", "bf16"));
        List<Path> files = results(options, 0.5, 0.7).writeFigure(folder, "ruler-tiny");
        assertThat(files).containsExactly(folder.resolve("ruler-tiny.png"), folder.resolve("ruler-tiny.svg"));
        BufferedImage image = read(files.getFirst());
        for (int colour : new int[] {BLUE, VERMILION, GREEN, PURPLE}) {
            assertThat(FigureTest.rows(image, colour)).isNotEmpty();
        }
        assertThat(FigureTest.rows(image, SKY_BLUE)).isEmpty();
        assertThat(FigureTest.rows(image, VERMILION).getFirst())
                .as("more is higher")
                .isLessThan(FigureTest.rows(image, BLUE).getFirst() - 50);
    }

    @Test
    void oneMethodAtOneLengthHasBarsToo() throws IOException {
        TaskOptions options = TaskOptions.DEFAULT.withTasks(List.of("vt"));
        List<Path> files = results(options, 0.5).writeFigure(folder, "ruler-tiny");
        assertThat(FigureTest.rows(read(files.getFirst()), BLUE)).isNotEmpty();
    }

    @Test
    void needlesAreAMapForEachMethod() throws IOException {
        Suite needles = Suite.needle(List.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100));
        TaskOptions options = TaskOptions.DEFAULT
                .withSuite(needles)
                .withLengths(List.of(1024, 2048, 4096))
                .withKv(List.of("f16", "bf16"));
        List<Path> files = results(options, 0, 1).writeFigure(folder, "needle-tiny");
        assertThat(files)
                .containsExactly(
                        folder.resolve("needle-tiny-dense-f16.png"),
                        folder.resolve("needle-tiny-dense-f16.svg"),
                        folder.resolve("needle-tiny-dense-bf16.png"),
                        folder.resolve("needle-tiny-dense-bf16.svg"));
        assertThat(FigureTest.rows(read(files.get(0)), LOWEST)).isNotEmpty();
        assertThat(FigureTest.rows(read(files.get(0)), HIGHEST)).isEmpty();
        assertThat(FigureTest.rows(read(files.get(2)), LOWEST)).isEmpty();
        assertThat(FigureTest.rows(read(files.get(2)), HIGHEST)).isNotEmpty();
        assertThat(results(options.withKv(List.of("f16")), 1).writeFigure(folder, "needle-tiny"))
                .containsExactly(folder.resolve("needle-tiny.png"), folder.resolve("needle-tiny.svg"));
    }

    @Test
    void perplexityIsDrawnByPosition() throws IOException {
        for (int tokens : new int[] {1, 255, 257, 5000}) {
            List<Double> logProbs =
                    Stream.iterate(-4.0, p -> p * 0.9999).limit(tokens).toList();
            List<Path> files =
                    new PerplexityResult(EVALUATED, TextOptions.DEFAULT, logProbs).writeFigure(folder, "perplexity");
            assertThat(FigureTest.rows(read(files.getFirst()), BLUE))
                    .as("%d tokens", tokens)
                    .isNotEmpty();
        }
    }

    @Test
    void divergenceIsDrawnByPositionAndZeroToo() throws IOException {
        Random random = new Random(3);
        List<Double> many = Stream.generate(() -> 1e-5 * Math.exp(2 * random.nextGaussian()))
                .limit(3000)
                .toList();
        BufferedImage image = divergence(many);
        assertThat(FigureTest.rows(image, VERMILION).getFirst())
                .as("the largest is above the mean")
                .isLessThan(FigureTest.rows(image, BLUE).getFirst());
        assertThat(FigureTest.rows(divergence(many.subList(0, 100)), BLUE)).isNotEmpty();
        assertThat(FigureTest.rows(divergence(many.subList(0, 100)), VERMILION)).isEmpty();
        assertThat(FigureTest.rows(divergence(Collections.nCopies(50, 0.0)), BLUE))
                .isNotEmpty();
    }

    private BufferedImage divergence(List<Double> divergences) throws IOException {
        List<Double> logProbs = Collections.nCopies(divergences.size() - 1, -1.0);
        DivergenceResult.Row row = new DivergenceResult.Row("f16", divergences, logProbs, 1, OptionalInt.empty(), 1);
        DivergenceResult result =
                new DivergenceResult(EVALUATED, DivergenceOptions.DEFAULT, logProbs, 64, List.of(row));
        return read(result.writeFigure(folder, "kld").getFirst());
    }
}
