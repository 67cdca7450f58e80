package dev.lectern.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;

/** How the weights of a test are stored. */
record Form(ElementType type, boolean isInterleaved) {
    static List<Form> all() {
        List<Form> all = new ArrayList<>();
        for (ElementType type : ElementType.values()) {
            all.add(new Form(type, false));
            if (Interleaved.suits(type)) {
                all.add(new Form(type, true));
            }
        }
        return all;
    }

    int blockElements() {
        return type.blockElements();
    }

    Matrix matrix(RandomGenerator random, int rows, int columns) {
        return stored(RandomWeights.matrix(random, type, rows, columns));
    }

    Matrix stored(Matrix inRows) {
        return isInterleaved ? interleaved(inRows) : inRows;
    }

    static Matrix interleaved(Matrix m) {
        long bytes = Interleaved.bytes(m.type(), m.rows(), m.columns());
        MemorySegment segment = Arena.ofAuto().allocate(bytes, 64);
        for (int group = 0; group < Interleaved.groups(m.rows()); group++) {
            Interleaved.interleave(m, group, segment, group * Interleaved.groupBytes(m.type(), m.columns()));
        }
        return new Matrix(segment, m.type(), m.rows(), m.columns(), true);
    }

    @Override
    public String toString() {
        return isInterleaved ? type + " interleaved" : type.name();
    }
}
