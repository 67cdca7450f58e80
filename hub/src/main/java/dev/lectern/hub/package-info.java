/** The model catalogue, pull, and the cache folder. */
@NullMarked
package dev.lectern.hub;

import org.jspecify.annotations.NullMarked;
