package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;

/**
 * The shape of one side (keys, or values) of a page.
 *
 * @param layout how the elements of a head stand
 * @param first whether it is the page of the first tokens, some of which a format may treat apart
 */
public record SideShape(KvFormat.Layout layout, int kvHeads, int headDim, boolean first) {
    public SideShape {
        if (kvHeads <= 0 || headDim <= 0) {
            throw new IllegalArgumentException("kvHeads " + kvHeads + ", headDim " + headDim);
        }
    }

    /** headDim in whole vectors of 16. */
    int width() {
        return rowVectors() * CodePlanes.LANES;
    }

    /** Vectors of 16 in a row. */
    int rowVectors() {
        return Math.ceilDiv(headDim, CodePlanes.LANES);
    }
}
