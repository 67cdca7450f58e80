/** How a text is read: steps of slices through the layers, and one file per published prefill method. */
@NullMarked
package dev.lectern.prefill;

import org.jspecify.annotations.NullMarked;
