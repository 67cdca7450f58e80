/** Names with options, as methods and formats are written. */
@NullMarked
package dev.lectern.options;

import org.jspecify.annotations.NullMarked;
