/** A bounded interpreter for the part of the Jinja template language that chat templates use. */
@NullMarked
package dev.lectern.text.jinja;

import org.jspecify.annotations.NullMarked;
