package dev.lectern.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels on every width of vectors that this machine can be told to have, and on none, each in a JVM of its own. */
@Timeout(120)
final class VectorWidthTest {
    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void everyWidthGivesRightAndRepeatableResults(int bits) throws Exception {
        assumeThat(Kernels.vectorBits()).isGreaterThanOrEqualTo(bits);
        assertThat(run(
                        List.of("--add-modules", "jdk.incubator.vector", "-XX:MaxVectorSize=" + bits / 8),
                        Parity.class,
                        bits))
                .endsWith("all equal\n");
    }

    @Test
    void withoutTheIncubatorModuleTheScalarKernelsAreChosenAndTheRemedyIsSaid() throws Exception {
        assertThat(run(List.of(), Chosen.class, 0))
                .containsOnlyOnce("start Java with --add-modules jdk.incubator.vector")
                .endsWith("scalar 0\n");
    }

    @Test
    void thePropertyChoosesTheScalarKernels() throws Exception {
        List<String> flags = List.of("--add-modules", "jdk.incubator.vector", "-D" + Kernels.PROPERTY + "=scalar");
        assertThat(run(flags, Chosen.class, 0)).contains("scalar").doesNotContain("slower");
    }

    /** Prints which kernels were chosen. */
    static final class Chosen {
        private Chosen() {}

        public static void main(String[] arguments) {
            String elementwise = Kernels.elementwise().getClass().getSimpleName();
            if (!elementwise.equals("ScalarElementwise")) {
                throw new AssertionError(elementwise);
            }
            System.out.println(Kernels.matMul().name() + " " + Kernels.vectorBits());
        }
    }

    private static String run(List<String> flags, Class<?> program, int argument)
            throws IOException, InterruptedException, URISyntaxException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", folder(Kernels.class) + java.io.File.pathSeparator + folder(program)));
        command.addAll(List.of(program.getName(), Integer.toString(argument)));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", command, output).isZero();
        return output;
    }

    private static String folder(Class<?> type) throws URISyntaxException {
        var source = Objects.requireNonNull(type.getProtectionDomain().getCodeSource(), "code source");
        return Path.of(source.getLocation().toURI()).toString();
    }
}
