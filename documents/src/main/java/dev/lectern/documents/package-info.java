/**
 * Documents to text. {@link dev.lectern.documents.Documents} reads plain text, Markdown, HTML and PDF into a
 * {@link dev.lectern.documents.Document}: the text that the model will read, and marks that say on which page and under
 * which heading each character stands.
 */
@NullMarked
package dev.lectern.documents;

import org.jspecify.annotations.NullMarked;
