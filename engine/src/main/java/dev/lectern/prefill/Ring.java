package dev.lectern.prefill;

import dev.lectern.attention.Heads;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.Request;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.LayerCache;
import dev.lectern.model.State;
import dev.lectern.options.NamedOptions;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Ring attention: keys and values go round from host to host, and every host adds up what its queries make of those that come by (Liu, Zaharia and Abbeel, "Ring Attention with Blockwise Transformers for Near-Infinite Context", arXiv 2310.01889,
 * section 3). While one part is computed with, the next is on its way.
 *
 * <p>A text is cut into twice as many runs as hosts, and host h has run h and run 2H − 1 − h, so that under the causal mask all have the same to do (the zigzag of Zhu's ring-flash-attention). {@code layout=contiguous} gives each host one run instead, as
 * the paper does; then the last has twice the mean to do.
 */
final class Ring extends Shared {
    private static final int TAG = 1;

    private final boolean zigzag;

    Ring(NamedOptions options) {
        zigzag = options.word("layout", "zigzag", "contiguous").equals("zigzag");
    }

    @Override
    public String name() {
        return "ring:layout=" + (zigzag ? "zigzag" : "contiguous");
    }

    @Override
    Portion portion(int tokens, int hosts, int host) {
        return zigzag
                ? Portion.of(Division.of(tokens, 2 * hosts), host, 2 * hosts - 1 - host)
                : Portion.of(Division.of(tokens, hosts), host);
    }

    @Override
    public long bytesOfHost(List<LayerCache> layers, Heads heads, int tokens, int hosts) {
        int rows = rowsOfHost(tokens, hosts);
        List<LayerCache> one = List.of(ChosenTokens.one(layers));
        long visitor = CacheSizes.bytes(one, rows), messages = 2 * ChosenTokens.wireBytes(one.getFirst(), rows);
        long parts = (long) Float.BYTES * rows * heads.heads() * (heads.headDim() + 2);
        return Math.addExact(Math.addExact(visitor, messages), parts);
    }

    @Override
    SharedRows rows(Sequence sequence, Communicator hosts, int tokens) {
        return new Rounds(sequence, hosts, tokens);
    }

    private final class Rounds implements SharedRows {
        private final Communicator hosts;
        private final Portion mine;
        private final List<Portion> portions = new ArrayList<>(); // of all hosts
        private final ChosenTokens visiting; // of one host after the other
        private MemorySegment held = MemorySegment.NULL;
        private MemorySegment coming = MemorySegment.NULL;
        private float[] part = {};
        private float[] partSums = {};
        private float[] sums = {};

        Rounds(Sequence sequence, Communicator hosts, int tokens) {
            this.hosts = hosts;
            LayerCache shape = ChosenTokens.one(sequence.cache().layers());
            for (int host = 0; host < hosts.size(); host++) {
                portions.add(portion(tokens, hosts.size(), host));
            }
            int most = portions.stream().mapToInt(Portion::count).max().orElseThrow();
            visiting = new ChosenTokens(List.of(shape), most);
            mine = portions.get(hosts.rank());
        }

        @Override
        public int position(int row, int usual) {
            return mine.position(row);
        }

        @Override
        public void absent(int layer) {
            round(null);
        }

        @Override
        public void attend(Rows rows) {
            visiting.takeFirst(0, rows.cache(), rows.layer(), mine.count());
            round(rows);
        }

        /** All hosts' keys and values come by. */
        private void round(@Nullable Rows rows) {
            int size = hosts.size(), me = hosts.rank();
            held = Buffers.grown(held, visiting.wireBytes(0, mine.count()));
            visiting.write(0, held, 0, mine.count());
            for (int t = 1; t < size; t++) {
                int holder = Math.floorMod(me - t + 1, size), next = Math.floorMod(me - t, size);
                int arriving = portions.get(next).count();
                long sends = visiting.wireBytes(0, portions.get(holder).count());
                long receives = visiting.wireBytes(0, arriving);
                coming = Buffers.grown(coming, receives);
                Request received = hosts.irecv(coming.asSlice(0, receives), Math.floorMod(me - 1, size), TAG);
                Request sent = hosts.isend(held.asSlice(0, sends), (me + 1) % size, TAG);
                if (rows != null && t == 1) {
                    attendOwn(rows);
                } else if (rows != null) {
                    attendVisiting(rows, holder);
                }
                received.await();
                sent.await();
                MemorySegment free = held;
                held = coming;
                coming = free;
                visiting.read(0, held, 0, arriving);
            }
            if (rows != null && size == 1) {
                attendOwn(rows);
            } else if (rows != null) {
                attendVisiting(rows, (me + 1) % size);
            }
        }

        private void attendOwn(Rows rows) {
            Heads heads = rows.heads();
            int pairs = State.numbersOfHost(rows.first() + rows.count(), heads.heads());
            sums = Buffers.grown(sums, pairs);
            part = Buffers.grown(part, State.numbersOfHost(pairs, heads.headDim()));
            partSums = Buffers.grown(partSums, sums.length);
            SegmentList segments = new SegmentList();
            segments.addCausal(rows.cache(), rows.layer(), 0, rows.count());
            rows.exact()
                    .chunk(
                            heads,
                            rows.q(),
                            rows.first(),
                            rows.count(),
                            0,
                            segments,
                            rows.out(),
                            sums,
                            rows.cancellation());
        }

        /** Each run of this host sees the other's runs before it. */
        private void attendVisiting(Rows rows, int host) {
            Heads heads = rows.heads();
            int first = rows.first();
            for (Portion.Run run : mine.runs()) {
                SegmentList segments = new SegmentList();
                int place = 0;
                for (Portion.Run other : portions.get(host).runs()) {
                    if (other.index() < run.index()) {
                        visiting.addTo(segments, 0, place, other.count());
                    }
                    place += other.count();
                }
                if (segments.count() > 0) {
                    rows.exact()
                            .chunk(
                                    heads,
                                    rows.q(),
                                    first,
                                    run.count(),
                                    0,
                                    segments,
                                    part,
                                    partSums,
                                    rows.cancellation());
                    PartialAttention.add(
                            first, run.count(), heads.heads(), heads.headDim(), rows.out(), sums, part, partSums);
                }
                first += run.count();
            }
        }

        @Override
        public void close() {
            visiting.close();
        }
    }
}
