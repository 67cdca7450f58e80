/** Model files: GGUF, and Hugging Face folders of safetensors. Every byte read here is hostile until checked. */
@NullMarked
package dev.lectern.weights;

import org.jspecify.annotations.NullMarked;
