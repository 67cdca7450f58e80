/** The {@code lectern} command. */
@NullMarked
package dev.lectern.cli;

import org.jspecify.annotations.NullMarked;
