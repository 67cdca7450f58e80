/** The public API of the engine: {@link dev.lectern.LecternException errors}, progress and cancellation; models, sessions and token streams. */
@NullMarked
package dev.lectern;

import org.jspecify.annotations.NullMarked;
