package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The laws of the engine's {@code CommunicatorLaws} between processes. */
final class MpiContractTest {
    /** With few bytes in a piece, every message but the shortest is sent in several, as one of more than a gigabyte is. */
    @ParameterizedTest
    @CsvSource({"OPEN_MPI, 2, 50001", "OPEN_MPI, 4, 1073741824", "MPICH, 2, 1073741824"})
    void processesKeepAllLaws(MpiJob.Maker maker, int ranks, long pieceBytes) throws Exception {
        MpiJob.Ended ended = MpiJob.run(
                maker,
                ranks,
                Map.of("lectern.mpi.pieceBytes", Long.toString(pieceBytes)),
                "dev.lectern.comm.CommunicatorLaws",
                Integer.toString(ranks));
        assertThat(ended.exitCode()).as(ended.output()).isZero();
        for (int rank = 0; rank < ranks; rank++) {
            assertThat(ended.output()).containsPattern("rank " + rank + " of " + ranks + " kept \\d+ laws");
        }
    }
}
