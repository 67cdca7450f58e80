/** Element types, matrix views and the numeric kernels, each beside its scalar specification. */
@NullMarked
package dev.lectern.kernel;

import org.jspecify.annotations.NullMarked;
