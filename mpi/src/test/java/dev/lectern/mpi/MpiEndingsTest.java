package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Jobs of the engine's {@code CommunicatorEndings}, of which one process fails: all end soon, with a sentence and an exit code that tells. */
final class MpiEndingsTest {
    private static final String ENDINGS = "dev.lectern.comm.CommunicatorEndings";

    @ParameterizedTest
    @CsvSource({
        "OPEN_MPI, 3, aRankThrows, 1, the last rank's own words",
        "OPEN_MPI, 2, aRankThrowsAnError, 2, 'lectern: rank 1 of 2: an option''s sentence'",
        "OPEN_MPI, 2, aMessageIsTooLong, 1, expects 4 bytes from rank 0 with tag 0",
        "OPEN_MPI, 2, aLongMessageIsTooShort, 1, 'expects 1000001 bytes from rank 0 with tag 0, which sent 1000000'",
        "OPEN_MPI, 2, aRankIsWaitedForInVain, 1, 'waited 0 s for rank 1'",
        "OPEN_MPI, 2, aRankIsAskedToStop, 130, Stopped on request",
        "OPEN_MPI, 2, aSegmentIsFreedEarly, 1, A segment was freed while a message with it was under way",
        "OPEN_MPI, 3, halt, 3, exit code",
        "OPEN_MPI, 3, kill, 137, signal 9",
        "MPICH, 2, aMessageIsTooLong, 1, expects 4 bytes from rank 0 with tag 0",
        // MPICH's mpirun says nothing of its own here.
        "MPICH, 2, halt, 3, ''",
        "MPICH, 2, kill, 9, signal 9"
    })
    void oneProcessEndsAll(MpiJob.Maker maker, int ranks, String name, int exitCode, String sentence) throws Exception {
        MpiJob.Ended ended = MpiJob.run(maker, ranks, Map.of(), ENDINGS, name);
        assertThat(ended.output()).containsIgnoringCase(sentence).doesNotContain("all is well");
        assertThat(ended.exitCode()).as(ended.output()).isEqualTo(exitCode);
    }

    /** Each process would be the only rank of a job of its own. */
    @ParameterizedTest
    @CsvSource({"OPEN_MPI, libmpich.so.12", "MPICH, libmpi.so.40"})
    void anotherLibraryThanTheLaunchersIsRefused(MpiJob.Maker maker, String library) throws Exception {
        MpiJob.Ended ended = MpiJob.run(maker, 2, Map.of(MpiLibrary.VARIABLE, library), ENDINGS, "none");
        assumeFalse(ended.output().contains("No MPI library can be loaded"), "the other library is not there");
        assertThat(ended.output())
                .contains("The launcher started 2 processes, but " + library)
                .contains("Set LECTERN_MPI to the file of the one that is")
                .doesNotContain("all is well");
        assertThat(ended.exitCode()).as(ended.output()).isNotZero();
    }

    @Test
    void aLibraryThatIsMissingIsNamed() throws Exception {
        MpiJob.Ended ended =
                MpiJob.run(MpiJob.Maker.OPEN_MPI, 1, Map.of(MpiLibrary.VARIABLE, "/no/libmpi.so"), ENDINGS, "none");
        assertThat(ended.output()).contains("No MPI library can be loaded; tried /no/libmpi.so. Install one (Debian");
        assertThat(ended.exitCode()).as(ended.output()).isNotZero();
    }
}
