/**
 * The KV cache: reference-counted pages of {@link dev.lectern.kv.Page#TOKENS} tokens in native memory, in the formats that
 * {@link dev.lectern.kv.KvFormat} describes. Knows nothing of models.
 */
@NullMarked
package dev.lectern.kv;

import org.jspecify.annotations.NullMarked;
