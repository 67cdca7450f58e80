/** Documents to text. */
@NullMarked
package dev.lectern.documents;

import org.jspecify.annotations.NullMarked;
