package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.kv.KvCache;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Reads the blocks one after another, each through all layers. A block needs only what blocks before it pass on, so this is what {@link HostBlocks} compute that read all blocks at once, layer by layer: bit for bit with formats
 * that store tokens at once, and else but for what is closed in between. The first block is read as {@link Full} reads.
 */
final class SerialBlocks extends BlockReading {
    private final List<ChosenTokens> passed = new ArrayList<>(); // of the blocks so far

    SerialBlocks(Forward forward, Sequence sequence, int[] tokens, BlockRecipe recipe, Cancellation cancellation) {
        super(forward, sequence, tokens, recipe, cancellation);
    }

    @Override
    void read(Slice.Logits logits, Prefill.LogitSink sink, Progress progress) {
        Division division = recipe.division();
        for (int block = 0; block < division.blocks(); block++) {
            int end = division.end(block);
            boolean passes = block + 1 < division.blocks();
            if (passes) {
                passed.add(new ChosenTokens(sequence.cache().layers(), recipe.passed(block)));
            }
            for (int from = division.start(block), to; from < end; from = to) {
                cancellation.check();
                to = from + Full.step(Full.CHUNK, sequence.cache().steady(), from, end);
                boolean first = from == division.start(block), last = to == end;
                Slice.Logits wanted = to == tokens.length ? logits : Slice.Logits.NONE;
                BlockRows rows = new BlockRows(block, from, passes && last);
                List<Slice> slices = new ArrayList<>();
                if (passes && block == 0 && last) {
                    slices.addAll(question());
                } else if (block > 0 && first && recipe.again()) {
                    slices.add(anchorSlice());
                }
                int[] some = Arrays.copyOfRange(tokens, from, to);
                Slice slice = new Slice(sequence, some, wanted, to < tokens.length, rows);
                slices.add(slice);
                Forward.Result result = forward.step(slices, cancellation);
                if (wanted == Slice.Logits.LAST) {
                    sink.accept(to - 1, 1, result.values(), result.at(slices.size() - 1, 0));
                }
                progress.report(to, tokens.length);
            }
        }
    }

    @Override
    void addAnchor(SegmentList segments, int layer) {
        Sequence apart = anchor;
        KvCache cache = apart == null ? sequence.cache() : apart.cache();
        segments.addVisible(cache, layer, apart == null ? recipe.anchor() : recipe.anchorLength());
    }

    /** A block's rows, or some of them. */
    private final class BlockRows implements RowAttention {
        private final int block;
        private final int token; // the first one's
        private final boolean passes; // whether the block ends with them, and passes something on

        BlockRows(int block, int token, boolean passes) {
            this.block = block;
            this.token = token;
            this.passes = passes;
        }

        @Override
        public void projected(int layer, int firstRow, int rows, float[] q, float[] k, float[] v) {
            tellProjected(layer, block, token, firstRow, rows, q, k, v);
        }

        @Override
        public void attend(Rows rows) {
            int start = recipe.division().start(block);
            if (passes && recipe.passed(block) > 0) {
                passed.get(block).take(rows.layer(), rows.cache(), chosen(rows.layer(), block, rows.cache(), start));
            }
            SegmentList segments = new SegmentList();
            if (block > 0) {
                for (ChosenTokens earlier : passed.subList(0, block)) {
                    earlier.addTo(segments, rows.layer());
                }
                addAnchor(segments, rows.layer());
            }
            segments.addCausal(rows.cache(), rows.layer(), start, token + rows.count());
            BlockReading.attend(rows, segments);
        }
    }

    @Override
    public void close() {
        passed.forEach(ChosenTokens::close);
        super.close();
    }
}
