/** Measuring: benches, figures, evaluations. */
@NullMarked
package dev.lectern.measure;

import org.jspecify.annotations.NullMarked;
