/** What a new token looks at: one file per published method, over {@link dev.lectern.attention.ExactAttention}. */
@NullMarked
package dev.lectern.attention;

import org.jspecify.annotations.NullMarked;
