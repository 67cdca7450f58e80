package dev.lectern.mpi;

import java.lang.foreign.SymbolLookup;

/**
 * The constants in which MPI libraries differ once they are compiled. Three sets of them cover every library in use. A handle, which is a
 * pointer or an int in C, is a {@code long} here.
 *
 * @param name of the set, as people call it
 * @param pointerHandles whether a handle is as wide as a pointer; otherwise as an int
 * @param commWorld the handle of MPI_COMM_WORLD
 * @param bytes the handle of MPI_BYTE
 * @param errorsReturn the handle of MPI_ERRORS_RETURN
 * @param threadSerialized the value of MPI_THREAD_SERIALIZED; greater ones allow more
 * @param truncated the class of error of a message that is longer than its receive
 */
record MpiAbi(
        String name,
        boolean pointerHandles,
        long commWorld,
        long bytes,
        long errorsReturn,
        int threadSerialized,
        int truncated) {

    /**
     * @param standardMajor what {@code MPI_Abi_get_version} says, or −1 where there is none. Asked first: the standard library of Open MPI also
     *     finds the symbols of the other one, on which it is built
     */
    static MpiAbi of(SymbolLookup library, int standardMajor) {
        if (standardMajor >= 1) {
            return standard();
        }
        return library.find("ompi_mpi_comm_world").isPresent() ? openMpi(library) : mpich();
    }

    /** Open MPI 1.7 to 6: handles are the addresses of variables that the library exports. */
    private static MpiAbi openMpi(SymbolLookup library) {
        return new MpiAbi(
                "Open MPI",
                true,
                library.findOrThrow("ompi_mpi_comm_world").address(),
                library.findOrThrow("ompi_mpi_byte").address(),
                library.findOrThrow("ompi_mpi_errors_return").address(),
                2,
                15);
    }

    /** MPICH and what descends from it (Intel MPI, MVAPICH, Cray): handles are numbers. */
    private static MpiAbi mpich() {
        return new MpiAbi("MPICH", false, 0x44000000L, 0x4c00010dL, 0x54000001L, 2, 14);
    }

    /** The application binary interface of the MPI 5.0 standard, chapter 20. */
    private static MpiAbi standard() {
        return new MpiAbi("MPI 5", true, 0x101, 0x247, 0x143, 2048, 15);
    }
}
