package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SlownessTest {
    @TempDir
    Path folder;

    private Slowness machine(String flags) throws IOException {
        Path processors = folder.resolve("cpuinfo");
        return new Slowness(
                Files.writeString(processors, "processor\t: 0\nflags\t\t: " + flags + " \nprocessor\t: 1\n"), folder);
    }

    @Test
    void narrowVectorsAreBlamedOnWhoeverNarrowsThem() throws IOException {
        assertThat(machine("sse4_2 avx avx2 fma").narrowVectors(128))
                .get()
                .asString()
                .contains("128", "LECTERN_JAVA_OPTS");
        assertThat(machine("sse4_2").narrowVectors(128)).get().asString().contains("virtual machine");
        assertThat(machine("avx2").narrowVectors(256)).isEmpty();
    }

    @Test
    void aProcessorWithoutWiderVectorsIsNotBlamed() throws IOException {
        Path arm = Files.writeString(folder.resolve("cpuinfo"), "processor\t: 0\nFeatures\t: fp asimd\n");
        assertThat(new Slowness(arm, folder).narrowVectors(128)).isEmpty();
    }

    @Test
    void aContainerWithLessThanAProcessorIsNamedWithItsShare() throws IOException {
        Files.writeString(folder.resolve("cpu.max"), "50000 100000\n");
        assertThat(machine("avx2").share()).get().asString().contains("0.50", "2.0 times", "--cpus=2");
        Files.writeString(folder.resolve("cpu.max"), "150000 100000\n");
        assertThat(machine("avx2").share()).isEmpty();
        Files.writeString(folder.resolve("cpu.max"), "max 100000\n");
        assertThat(machine("avx2").share()).isEmpty();
    }

    @Test
    void theOlderControlGroupsAreRead() throws IOException {
        Path group = Files.createDirectories(folder.resolve("cpu"));
        Files.writeString(group.resolve("cpu.cfs_period_us"), "100000\n");
        Files.writeString(group.resolve("cpu.cfs_quota_us"), "25000\n");
        assertThat(machine("avx2").share()).get().asString().contains("0.25", "4.0 times");
        Files.writeString(group.resolve("cpu.cfs_quota_us"), "-1\n");
        assertThat(machine("avx2").share()).isEmpty();
    }

    @Test
    void aModelThatDoesNotFitIntoMemoryIsTheWorst() throws IOException {
        Files.writeString(folder.resolve("cpu.max"), "50000 100000\n");
        assertThat(machine("avx2").worst(Long.MAX_VALUE)).get().asString().contains("smaller model");
        assertThat(machine("avx2").worst(1)).get().asString().contains("This container gets");
    }

    @Test
    void aMachineThatHidesItsProcessorsIsNotBlamed() {
        Slowness unknown = new Slowness(folder.resolve("missing"), folder.resolve("missing"));
        assertThat(unknown.narrowVectors(128)).isEmpty();
        assertThat(unknown.share()).isEmpty();
        assertThat(unknown.processorsOfTheMachine()).isZero();
    }

    @Test
    void whatDelaysTheStartIsSaidWithItsRemedy() {
        assertThat(StartingTime.archive("", true)).isEmpty();
        assertThat(StartingTime.archive("used", true)).isEmpty();
        assertThat(StartingTime.archive("used", false)).get().asString().contains("LECTERN_JAVA_OPTS");
        assertThat(StartingTime.archive("missing", true)).get().asString().contains("next");
        assertThat(StartingTime.archive("unwritable", true)).get().asString().contains("may write");
        assertThat(StartingTime.archive("failed", true)).get().asString().contains(".failed");
    }
}
