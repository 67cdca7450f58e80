/** From logits to tokens: sampling, stop conditions, and decode steps over a batch of sequences. */
@NullMarked
package dev.lectern.generate;

import org.jspecify.annotations.NullMarked;
