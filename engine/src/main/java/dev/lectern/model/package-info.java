/**
 * Model families: each reads its configuration and weights from a {@link dev.lectern.weights.ModelFile} and computes one layer at a time.
 * What a token attends to is not known here: {@link dev.lectern.model.LayerAttention} is a callback.
 */
@NullMarked
package dev.lectern.model;

import org.jspecify.annotations.NullMarked;
