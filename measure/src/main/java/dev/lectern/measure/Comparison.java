package dev.lectern.measure;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One row of {@link PeersBench}: measurements in pairs, each of Lectern and, just after, of what it is compared with.
 *
 * @param row which
 * @param what was done, in words
 * @param lectern one entry per pair, in the row's unit
 * @param peer as many, of llama.cpp; of {@link PeerRow#BATCH} those of Lectern without a batch
 * @param target what the median ratio is to be at least, or of {@link PeerRow#MEMORY} how many bytes more it may take; empty where
 *     nothing was promised
 */
public record Comparison(PeerRow row, String what, List<Double> lectern, List<Double> peer, OptionalDouble target) {
    public Comparison {
        lectern = List.copyOf(lectern);
        peer = List.copyOf(peer);
        if (lectern.isEmpty() || lectern.size() != peer.size()) {
            throw new IllegalArgumentException(lectern.size() + " measurements beside " + peer.size());
        }
    }

    /** The quotients of the pairs: how many times faster Lectern is, or of memory how many times more it takes. */
    public List<Double> ratios() {
        List<Double> ratios = new ArrayList<>();
        for (int i = 0; i < lectern.size(); i++) {
            boolean lessIsBetter = row.unit() == PeerRow.Unit.SECONDS;
            ratios.add(lessIsBetter ? peer.get(i) / lectern.get(i) : lectern.get(i) / peer.get(i));
        }
        return ratios;
    }

    /** The median is what counts. */
    public Statistics ratio() {
        return Statistics.of(ratios());
    }

    /** Whether the target was reached; empty where there is none. */
    public Optional<Boolean> reached() {
        if (target.isEmpty()) {
            return Optional.empty();
        }
        double wanted = target.getAsDouble();
        return Optional.of(
                row.unit() == PeerRow.Unit.BYTES
                        ? Statistics.of(lectern).median() - Statistics.of(peer).median() <= wanted
                        : ratio().median() >= wanted);
    }
}
