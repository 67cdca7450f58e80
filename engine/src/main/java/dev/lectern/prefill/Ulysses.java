package dev.lectern.prefill;

import dev.lectern.LecternException;
import dev.lectern.attention.Heads;
import dev.lectern.attention.Segments;
import dev.lectern.comm.Communicator;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.KvFormat;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.Page;
import dev.lectern.model.State;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * DeepSpeed-Ulysses: hosts exchange tokens for heads. In every layer each gets the queries, keys and values of all tokens for some heads, attends as if it were alone, and gives the outputs back (Jacobs et al., arXiv 2309.14509, section 3.1).
 *
 * <p>The query heads have to divide among the hosts, and the kv heads, or else the hosts among the kv heads: with more hosts than kv heads each of these is sent to several.
 */
final class Ulysses extends Shared {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;

    @Override
    public String name() {
        return "ulysses";
    }

    @Override
    Portion portion(int tokens, int hosts, int host) {
        return Portion.of(new Division(tokens, Math.ceilDiv(tokens, hosts)), host);
    }

    @Override
    public long bytesOfHost(List<LayerCache> layers, Heads heads, int tokens, int hosts) {
        new HostHeads(heads, hosts).requireWhole();
        int queries = Math.ceilDiv(heads.heads(), hosts) * heads.headDim();
        int kvHeads = Math.ceilDiv(heads.kvHeads(), hosts), keys = kvHeads * heads.headDim();
        KvFormat format = ChosenTokens.floats(layers);
        LayerCache own = new LayerCache(kvHeads, heads.headDim(), 0, format, format);
        // What a host sends, of its tokens to all, is as much as what it receives, but for rounding.
        long exchanged = Math.multiplyExact((long) Float.BYTES * (queries + 2 * keys), 2L * tokens + hosts);
        long attended = Math.multiplyExact(2L * Float.BYTES * queries, tokens);
        return Math.addExact(CacheSizes.bytes(List.of(own), tokens), Math.addExact(exchanged, attended));
    }

    @Override
    SharedRows rows(Sequence sequence, Communicator hosts, int tokens) {
        return new Exchange(sequence, hosts, tokens);
    }

    /** Which heads a host has. */
    private record HostHeads(Heads all, int hosts) {
        /** @throws LecternException of kind {@code BAD_OPTION} if they do not divide */
        void requireWhole() {
            int kvHeads = all.kvHeads();
            boolean spread = hosts % kvHeads == 0 && all.group() % (hosts / kvHeads) == 0;
            if (kvHeads % hosts != 0 && !spread) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "--prefill ulysses divides heads among hosts, and " + all.heads() + " query heads over "
                                + kvHeads
                                + " kv heads do not divide among " + hosts
                                + ": use another number of hosts, or ring, which divides tokens.");
            }
        }

        Heads ofHost() {
            return new Heads(all.heads() / hosts, Math.max(1, all.kvHeads() / hosts), all.headDim(), all.window());
        }

        int firstQuery(int host) {
            return host * (all.heads() / hosts);
        }

        int firstKey(int host) {
            return (int) ((long) host * all.kvHeads() / hosts);
        }
    }

    private final class Exchange implements SharedRows {
        private final Communicator hosts;
        private final Portion mine;
        private final int[] firsts; // of each host's tokens, and behind the last's
        private final KvFormat format;
        private MemorySegment sent = MemorySegment.NULL;
        private MemorySegment received = MemorySegment.NULL;
        private @Nullable KvCache all; // of all tokens, for this host's heads, one layer
        private float[] q = {}; // [tokens][heads of the host][headDim]
        private float[] out = {};

        Exchange(Sequence sequence, Communicator hosts, int tokens) {
            this.hosts = hosts;
            format = ChosenTokens.floats(sequence.cache().layers());
            mine = portion(tokens, hosts.size(), hosts.rank());
            firsts = new int[hosts.size() + 1];
            for (int host = 0; host < hosts.size(); host++) {
                int count = portion(tokens, hosts.size(), host).count();
                if (count == 0) {
                    throw new LecternException(
                            LecternException.Kind.BAD_OPTION,
                            "A text of " + tokens + " tokens cannot be shared among " + hosts.size()
                                    + " hosts with --prefill ulysses: use fewer.");
                }
                firsts[host + 1] = firsts[host] + count;
            }
        }

        @Override
        public int position(int row, int usual) {
            return mine.position(row);
        }

        @Override
        public void absent(int layer) {
            throw new IllegalStateException("every host has tokens");
        }

        @Override
        public void attend(Rows rows) {
            HostHeads division = new HostHeads(rows.heads(), hosts.size());
            division.requireWhole();
            Heads own = division.ofHost();
            int tokens = firsts[hosts.size()], headDim = own.headDim();
            KvCache cache = cache(own, tokens);
            give(rows, division);
            take(own, cache);
            out = Buffers.grown(out, State.numbersOfHost(tokens, own.heads() * headDim));
            rows.exact().chunk(own, q, 0, tokens, 0, Segments.of(cache, 0, tokens), out, null, rows.cancellation());
            giveBack(rows, division);
        }

        private KvCache cache(Heads own, int tokens) {
            KvCache known = all;
            if (known == null) {
                known = new KvCache(List.of(new LayerCache(own.kvHeads(), own.headDim(), 0, format, format)));
                all = known; // to be closed, whatever follows
                known.reserve(tokens);
            }
            return known;
        }

        /** Sends this host's tokens of every other's heads: for each token queries, keys, values. */
        private void give(Rows rows, HostHeads division) {
            Heads own = division.ofHost();
            int headDim = own.headDim(), queries = own.heads() * headDim, keys = own.kvHeads() * headDim;
            int perToken = queries + 2 * keys, size = hosts.size();
            long[] to = new long[size], from = new long[size];
            for (int host = 0; host < size; host++) {
                to[host] = bytes(rows.count(), perToken);
                from[host] = bytes(firsts[host + 1] - firsts[host], perToken);
            }
            sent = Buffers.grown(sent, bytes((long) rows.count() * size, perToken));
            received = Buffers.grown(received, bytes(firsts[size], perToken));
            float[] row = new float[headDim];
            int[] id = new int[1];
            for (int host = 0; host < size; host++) {
                for (int i = 0; i < rows.count(); i++) {
                    long at = ((long) host * rows.count() + i) * perToken;
                    int qAt = ((rows.first() + i) * division.all().heads() + division.firstQuery(host)) * headDim;
                    MemorySegment.copy(rows.q(), qAt, sent, FLOAT, Float.BYTES * at, queries);
                    Page page = rows.cache().page(rows.layer(), i / Page.TOKENS);
                    id[0] = i;
                    for (int head = 0; head < own.kvHeads(); head++) {
                        int of = division.firstKey(host) + head, first = i / Page.TOKENS * Page.TOKENS;
                        long keyAt = at + queries + (long) head * headDim;
                        page.keys().gather(of, id, 0, 1, first, row, 0, headDim);
                        MemorySegment.copy(row, 0, sent, FLOAT, Float.BYTES * keyAt, headDim);
                        page.values().gather(of, id, 0, 1, first, row, 0, headDim);
                        MemorySegment.copy(row, 0, sent, FLOAT, Float.BYTES * (keyAt + keys), headDim);
                    }
                }
            }
            hosts.allToAll(
                    sent.asSlice(0, bytes((long) rows.count() * size, perToken)),
                    to,
                    received.asSlice(0, bytes(firsts[size], perToken)),
                    from);
        }

        /** Takes all tokens of this host's heads out of what was received. */
        private void take(Heads own, KvCache cache) {
            int queries = own.heads() * own.headDim(), keys = own.kvHeads() * own.headDim();
            int perToken = queries + 2 * keys, tokens = firsts[hosts.size()];
            q = Buffers.grown(q, State.numbersOfHost(tokens, queries));
            float[] k = new float[keys], v = new float[keys];
            for (int token = 0; token < tokens; token++) {
                long at = bytes(token, perToken);
                MemorySegment.copy(received, FLOAT, at, q, token * queries, queries);
                MemorySegment.copy(received, FLOAT, at + bytes(1, queries), k, 0, keys);
                MemorySegment.copy(received, FLOAT, at + bytes(1, queries + keys), v, 0, keys);
                cache.put(0, token, k, 0, v, 0);
            }
        }

        /** Every host gets its tokens' outputs of all heads. */
        private void giveBack(Rows rows, HostHeads division) {
            Heads own = division.ofHost();
            int width = own.heads() * own.headDim(), size = hosts.size();
            long[] to = new long[size], from = new long[size];
            for (int host = 0; host < size; host++) {
                to[host] = bytes(firsts[host + 1] - firsts[host], width);
                from[host] = bytes(rows.count(), width);
            }
            MemorySegment outgoing = sent = Buffers.grown(sent, bytes(firsts[size], width));
            received = Buffers.grown(received, bytes((long) rows.count() * size, width));
            MemorySegment.copy(out, 0, outgoing, FLOAT, 0, Math.multiplyExact(firsts[size], width));
            MemorySegment incoming = received.asSlice(0, bytes((long) rows.count() * size, width));
            hosts.allToAll(outgoing.asSlice(0, bytes(firsts[size], width)), to, incoming, from);
            int stride = division.all().heads() * own.headDim();
            for (int host = 0; host < size; host++) {
                for (int i = 0; i < rows.count(); i++) {
                    int at = (rows.first() + i) * stride + division.firstQuery(host) * own.headDim();
                    long begin = bytes((long) host * rows.count() + i, width);
                    MemorySegment.copy(incoming, FLOAT, begin, rows.out(), at, width);
                }
            }
        }

        private static long bytes(long tokens, int numbers) {
            return Float.BYTES * tokens * numbers;
        }

        @Override
        public void close() {
            KvCache known = all;
            if (known != null) {
                known.close();
            }
        }
    }
}
