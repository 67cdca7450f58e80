package dev.lectern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import dev.lectern.attention.GatherAttentionTest;
import dev.lectern.attention.StripChoiceTest;
import dev.lectern.kernel.AttentionTilesParityTest;
import dev.lectern.kernel.BitPlanesParityTest;
import dev.lectern.kernel.CodePlanes;
import dev.lectern.kernel.CodeTilesParityTest;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.ProportionsParityTest;
import dev.lectern.kernel.RotationParityTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole models against their references at every width of vectors, and on the scalar kernels, each in a JVM of its own. */
@Timeout(180)
class EveryWidthTest {
    @ParameterizedTest
    @ValueSource(ints = {128, 256, 512})
    void modelsAreRightAtEveryWidth(int bits) throws Exception {
        assumeThat(Kernels.vectorBits()).isGreaterThanOrEqualTo(bits);
        assertThat(run(List.of("--add-modules", "jdk.incubator.vector", "-XX:MaxVectorSize=" + bits / 8)))
                .endsWith("right at " + bits + " bits\n");
    }

    @Test
    void modelsAreRightWithoutTheVectorModule() throws Exception {
        assertThat(run(List.of())).endsWith("right at 0 bits\n");
    }

    @Test
    void modelsAreRightOnProcessorsWithoutFusedMultiplication() throws Exception {
        assumeThat(System.getProperty("os.arch")).isIn("amd64", "x86_64");
        assertThat(run(List.of("--add-modules", "jdk.incubator.vector", "-XX:UseAVX=0", "-XX:-UseFMA")))
                .contains("has no FMA")
                .endsWith("right at 0 bits\n");
    }

    private static String run(List<String> flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(flags);
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), Checked.class.getName()));
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor()).as("%s: %s", flags, output).isZero();
        return output;
    }

    /** Throws where something is wrong, and otherwise prints the width that it ran at. */
    static final class Checked {
        private static final Set<String> MODELS =
                Set.of("llama3", "qwen3", "gpt2", "llama-k", "llama2-all-types", "mistral-window");

        public static void main(String[] args) throws IOException {
            for (TinyModelsOracleTest.Reference reference : TinyModelsOracleTest.references()) {
                if (MODELS.contains(reference.name())) {
                    new TinyModelsOracleTest().logitsEqualTransformers(reference);
                }
            }
            if (Kernels.vectorBits() > 0) {
                AttentionTilesParityTest tiles = new AttentionTilesParityTest();
                for (String type : List.of("F32", "F16", "BF16")) {
                    tiles.everyFiniteStoredFloatIsReadExactly(type);
                }
                tiles.scoresAndWeightedSumsOfEveryGroupSizeEqualTheScalarOnes(7);
                tiles.storedTilesGiveTheSameAsUnpackedOnes(7);
                tiles.scoresOfRowsEqualTheScalarOnes(7);
                tiles.chosenStoredRowsEqualTheScalarOnes(3);
                new GatherAttentionTest().chosenTokensEqualTheFormulaInEveryFormatAndLayout(4, 2, 20);
                new StripChoiceTest().chosenStripsAndTokensEqualTheFormula(6, 2, 20, 333);
                tiles.softmaxEqualsTheScalarOneAndMaskedTokensAreZero(112);
                new RotationParityTest().bothPairingsRotateLikeTheScalarOnes(3, 80, 35);
                tiles.chunkStepsEqualTheScalarOnes(64);
                tiles.signsEqualTheScalarOnes(3);
                CodeTilesParityTest codes = new CodeTilesParityTest();
                for (CodePlanes planes : CodePlanes.values()) {
                    codes.codesAreReadBackAsTheyWerePutInEveryPlane(planes);
                }
                codes.theHadamardTransformIsOrthonormalItsOwnInverseAndTheSameOnVectors(96);
                codes.affineStepsEqualTheScalarOnes(5);
                BitPlanesParityTest planes = new BitPlanesParityTest();
                planes.scoresAreTheSumsOfLevelsTimesNumbers(64, 1, 48);
                planes.scoresAreTheSumsOfLevelsTimesNumbers(80, 2, 48);
                new ProportionsParityTest().everyPassEqualsTheScalarOne(1024);
            }
            System.out.println("right at " + Kernels.vectorBits() + " bits");
        }
    }
}
