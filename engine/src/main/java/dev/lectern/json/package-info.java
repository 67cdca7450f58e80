/** A small, bounded JSON tree over jackson-core's streaming parser. */
@NullMarked
package dev.lectern.json;

import org.jspecify.annotations.NullMarked;
