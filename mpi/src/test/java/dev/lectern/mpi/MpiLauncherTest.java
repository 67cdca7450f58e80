package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.comm.Hosts;
import dev.lectern.comm.Launcher;
import java.util.Map;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;

final class MpiLauncherTest {
    @Test
    void theEngineFindsIt() {
        assertThat(ServiceLoader.load(Launcher.class))
                .singleElement()
                .isInstanceOfSatisfying(
                        MpiLauncher.class, it -> assertThat(it.name()).isEqualTo("MPI"));
        assertThat(Hosts.launcher().isPresent()).isEqualTo(MpiLauncher.launched(System.getenv()));
    }

    @Test
    void theEnvironmentTellsWhoStartedTheProcess() {
        assertThat(MpiLauncher.launched(Map.of("PATH", "/bin"))).isFalse();
        assertThat(MpiLauncher.launched(Map.of("OMPI_COMM_WORLD_SIZE", "2")))
                .as("Open MPI")
                .isTrue();
        assertThat(MpiLauncher.launched(Map.of("PMI_SIZE", "2", "PMI_FD", "6")))
                .as("MPICH")
                .isTrue();
        assertThat(MpiLauncher.launched(Map.of("PMIX_RANK", "0")))
                .as("srun --mpi=pmix")
                .isTrue();
        assertThat(MpiLauncher.launched(Map.of("SLURM_STEP_NUM_TASKS", "2")))
                .as("srun -n 2")
                .isTrue();
        assertThat(MpiLauncher.launched(Map.of("SLURM_STEP_NUM_TASKS", "1")))
                .as("srun -n 1")
                .isFalse();
        assertThat(MpiLauncher.launched(Map.of("OMPI_COMM_WORLD_SIZE", "2", "LECTERN_MPI", "none")))
                .isFalse();
    }

    @Test
    void theEnvironmentTellsHowManyWereStarted() {
        assertThat(MpiLauncher.expectedSize(Map.of())).isZero();
        assertThat(MpiLauncher.expectedSize(Map.of("OMPI_COMM_WORLD_SIZE", "3", "SLURM_STEP_NUM_TASKS", "2")))
                .isEqualTo(3);
        assertThatThrownBy(() -> MpiLauncher.expectedSize(Map.of("PMI_SIZE", "many")))
                .hasMessage("PMI_SIZE=many is no number of processes");
        assertThat(MpiLauncher.ranksHere(Map.of())).isEqualTo(1);
        assertThat(MpiLauncher.ranksHere(Map.of("OMPI_COMM_WORLD_LOCAL_SIZE", "2")))
                .isEqualTo(2);
        assertThat(MpiLauncher.ranksHere(Map.of("SLURM_STEP_TASKS_PER_NODE", "4(x2),3")))
                .isEqualTo(4);
        assertThat(MpiLauncher.ranksHere(Map.of("SLURM_STEP_TASKS_PER_NODE", "3,2")))
                .isEqualTo(3);
    }

    @Test
    void theLaunchersOwnLibraryIsTriedFirst() {
        assertThat(MpiLibrary.candidates(Map.of())).first().isEqualTo("libmpi.so.40");
        assertThat(MpiLibrary.candidates(Map.of("PMI_FD", "6"))).first().isEqualTo("libmpich.so.12");
        assertThat(MpiLibrary.candidates(Map.of("LECTERN_MPI", "/opt/mpi/libmpi.so")))
                .containsExactly("/opt/mpi/libmpi.so");
    }
}
