package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.comm.Communicator;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads one block on each host, all at once and layer by layer, in a single step (Huang et al., arXiv 2502.12085, algorithm 1). In a layer every host chooses what it passes on, gets what the hosts before it do, and attends. Differences from
 * the paper: hosts send to later ones only, and the anchor is computed by the first host alone and passed on like its tokens.
 */
final class HostBlocks extends BlockReading {
    private final Communicator hosts;
    private final int block;
    private final List<ChosenTokens> all = new ArrayList<>(); // to be closed
    private final List<ChosenTokens> earlier = new ArrayList<>(); // anchor, and what the hosts before this one pass on
    private final ChosenTokens mine;
    private final ChosenTokens first; // the anchor, at the first host
    private MemorySegment sent = MemorySegment.NULL;
    private MemorySegment received = MemorySegment.NULL;

    HostBlocks(
            Forward forward,
            Sequence sequence,
            Communicator hosts,
            int[] tokens,
            BlockRecipe recipe,
            Cancellation cancellation) {
        super(forward, sequence, tokens, recipe, cancellation);
        this.hosts = hosts;
        block = hosts.rank();
        List<LayerCache> layers = sequence.cache().layers();
        try {
            mine = made(layers, passed(block));
            first = made(layers, block == 0 ? shared() : 0);
            if (block > 0) {
                earlier.add(made(layers, shared()));
            }
            for (int before = 0; before < block; before++) {
                earlier.add(made(layers, passed(before)));
            }
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private ChosenTokens made(List<LayerCache> layers, int count) {
        ChosenTokens fresh = new ChosenTokens(layers, count);
        all.add(fresh);
        return fresh;
    }

    /** Tokens of the anchor that the first host passes on; where it has the whole text nobody asks for them. */
    private int shared() {
        return recipe.again() || recipe.division().blocks() == 1 ? 0 : recipe.anchorLength();
    }

    /** Tokens that a host passes on; a short text leaves hosts without a block. */
    private int passed(int host) {
        return host + 1 < recipe.division().blocks() ? recipe.passed(host) : 0;
    }

    @Override
    void read(Slice.Logits logits, Prefill.LogitSink sink, Progress progress) {
        Division division = recipe.division();
        int last = division.blocks() - 1, at = 0;
        float[] known = {};
        if (block <= last) {
            List<Slice> slices = new ArrayList<>();
            if (block == 0 && last > 0) {
                slices.addAll(question());
            } else if (block > 0 && recipe.again()) {
                slices.add(anchorSlice());
            }
            int[] some = Arrays.copyOfRange(tokens, division.start(block), division.end(block));
            Slice.Logits wanted = block == last ? logits : Slice.Logits.NONE;
            slices.add(new Slice(sequence, some, wanted, false, new BlockRows()));
            Forward.Result result = forward.step(slices, Shared.ofText(progress, tokens.length), cancellation);
            known = result.values();
            at = wanted == Slice.Logits.LAST ? result.at(slices.size() - 1, 0) : 0;
        } else {
            for (int layer = 0; layer < sequence.cache().layers().size(); layer++) {
                shareQuestion(layer);
                exchange(layer);
            }
        }
        if (logits == Slice.Logits.LAST) {
            PartialAttention.tellLast(hosts, last, forward.vocabulary(), known, at, tokens.length - 1, sink);
        }
        progress.report(tokens.length, tokens.length);
    }

    @Override
    void addAnchor(SegmentList segments, int layer) {
        Sequence apart = anchor;
        if (apart != null) {
            segments.addVisible(apart.cache(), layer, recipe.anchorLength());
        } else if (block == 0) {
            segments.addVisible(sequence.cache(), layer, recipe.anchor());
        } else {
            earlier.getFirst().addTo(segments, layer);
        }
    }

    /** Tells every host the question's mean queries in a layer, where they are asked for. */
    private void shareQuestion(int layer) {
        boolean asks = recipe.question() != null && compressor.asks() && recipe.passing() > 0;
        if (!asks || recipe.division().blocks() == 1) {
            return;
        }
        LayerCache shape = sequence.cache().layers().get(layer);
        int numbers = shape.kvHeads() * shape.headDim();
        sent = Buffers.grown(sent, (long) Float.BYTES * numbers);
        MemorySegment message = sent.asSlice(0, (long) Float.BYTES * numbers);
        if (block == 0) {
            MemorySegment.copy(asked[layer], 0, message, ValueLayout.JAVA_FLOAT, 0, numbers);
        }
        hosts.broadcast(message, 0);
        asked[layer] = message.toArray(ValueLayout.JAVA_FLOAT);
    }

    /** Sends what was chosen to later hosts, and takes what earlier ones send. */
    private void exchange(int layer) {
        long[] bytes = new long[hosts.size()];
        long before = 0;
        for (int host = 0; host < bytes.length; host++) {
            bytes[host] = mine.wireBytes(layer, passed(host) + (host == 0 ? shared() : 0));
            before += host < block ? bytes[host] : 0;
        }
        sent = Buffers.grown(sent, bytes[block]);
        received = Buffers.grown(received, before);
        long at = first.write(layer, sent, 0);
        mine.write(layer, sent, at);
        hosts.prefixGather(sent.asSlice(0, bytes[block]), received.asSlice(0, before), bytes);
        long from = 0;
        for (ChosenTokens other : earlier) {
            from = other.read(layer, received, from);
        }
    }

    /** The block's rows. */
    private final class BlockRows implements RowAttention {
        @Override
        public int position(int row, int usual) {
            return recipe.division().start(block) + row;
        }

        @Override
        public void projected(int layer, int firstRow, int rows, float[] q, float[] k, float[] v) {
            tellProjected(layer, block, recipe.division().start(block), firstRow, rows, q, k, v);
        }

        @Override
        public void attend(Rows rows) {
            int layer = rows.layer();
            shareQuestion(layer);
            if (mine.count() > 0) {
                mine.take(layer, rows.cache(), chosen(layer, block, rows.cache(), 0));
            }
            takeAnchor(layer);
            exchange(layer);
            SegmentList segments = new SegmentList();
            if (block > 0) {
                for (ChosenTokens other : earlier.subList(1, earlier.size())) {
                    other.addTo(segments, layer);
                }
                addAnchor(segments, layer);
            }
            segments.addCausal(rows.cache(), layer, 0, rows.count());
            BlockReading.attend(rows, segments);
        }
    }

    /** Copies the anchor, at the first host, to be passed on. */
    private void takeAnchor(int layer) {
        if (first.count() > 0) {
            Sequence apart = anchor;
            KvCache from = apart == null ? sequence.cache() : apart.cache();
            first.takeFirst(layer, from);
        }
    }

    @Override
    public void close() {
        all.forEach(ChosenTokens::close);
        super.close();
    }
}
