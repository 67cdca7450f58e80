/**
 * The engine's {@link dev.lectern.comm.Communicator} over whatever MPI library the system has, through the JDK's foreign-function interface: no code in C, and
 * nothing to compile on the machine that runs it.
 */
@NullMarked
package dev.lectern.mpi;

import org.jspecify.annotations.NullMarked;
