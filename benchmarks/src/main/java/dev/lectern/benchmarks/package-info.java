/** The kernels on the clock, each beside its scalar specification and beside the most that this machine gives. */
@NullMarked
package dev.lectern.benchmarks;

import org.jspecify.annotations.NullMarked;
