package dev.lectern.mpi;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class MpiAbiTest {
    private static final MemorySegment WORLD = Arena.global().allocate(8);

    /** A library that exports the variables of Open MPI. */
    private static final SymbolLookup OPEN_MPI =
            name -> name.startsWith("ompi_mpi_") ? Optional.of(WORLD) : Optional.empty();

    private static final SymbolLookup NONE = name -> Optional.empty();

    @Test
    void theLibrarySaysWhichConstantsItTakes() {
        assertThat(MpiAbi.of(OPEN_MPI, -1).commWorld()).isEqualTo(WORLD.address());
        assertThat(MpiAbi.of(OPEN_MPI, 0).name()).as("a draft of the standard").isEqualTo("Open MPI");
        assertThat(MpiAbi.of(OPEN_MPI, 1).name())
                .as("the standard library of Open MPI")
                .isEqualTo("MPI 5");
        assertThat(MpiAbi.of(NONE, -1).name()).isEqualTo("MPICH");
        assertThat(MpiAbi.of(NONE, 1).name()).isEqualTo("MPI 5");
    }

    /** MPI 5.0, appendix A.1.1: the values that every library with the standard's binary interface takes. */
    @Test
    void theStandardsConstantsAreThoseOfItsTable() {
        assertThat(MpiAbi.of(NONE, 1)).isEqualTo(new MpiAbi("MPI 5", true, 0x101, 0x247, 0x143, 2048, 15));
    }
}
