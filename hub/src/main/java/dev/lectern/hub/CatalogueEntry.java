package dev.lectern.hub;

import java.util.List;

/**
 * A model that can be had by name. One name means one sequence of bytes, wherever they come from.
 *
 * @param name what a user types
 * @param description one line
 * @param file the name of the file it is kept in
 * @param bytes the file's size
 * @param sha256 the file's SHA-256 in lower-case hexadecimal digits
 * @param licence the SPDX name of the licence of the weights
 * @param context the tokens that the model can hold
 * @param parameters the number of weights
 * @param sources where it can be had, the first is tried first
 */
public record CatalogueEntry(
        String name,
        String description,
        String file,
        long bytes,
        String sha256,
        String licence,
        int context,
        long parameters,
        List<Source> sources) {
    public CatalogueEntry {
        sources = List.copyOf(sources);
    }
}
