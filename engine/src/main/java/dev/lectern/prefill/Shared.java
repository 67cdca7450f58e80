package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.comm.Communicator;
import dev.lectern.kv.LayerCache;
import java.util.List;

/**
 * What exact methods have in common that share a text among hosts: each reads its part in a single step, layer by layer together with the others, and keeps the keys and values of its part. On one host alone they are {@link Full}.
 */
abstract class Shared implements Prefill {
    /** The tokens of a host, in the order in which it keeps them. */
    abstract Portion portion(int tokens, int hosts, int host);

    @Override
    public int[] ofHost(int[] tokens, int hosts, int host) {
        return portion(tokens.length, hosts, host).of(tokens);
    }

    @Override
    public int rowsOfHost(int tokens, int hosts) {
        int most = 0;
        for (int host = 0; host < hosts; host++) {
            most = Math.max(most, portion(tokens, hosts, host).count());
        }
        return most;
    }

    /** Progress in tokens of a text whose parts all go through one layer after another. */
    static Progress ofText(Progress progress, int tokens) {
        return (done, total) -> progress.report(tokens * done / total, tokens);
    }

    /** How a host's rows attend together with the others'. */
    abstract SharedRows rows(Sequence sequence, Communicator hosts, int tokens);

    /** Rows of a host, and what is to be freed afterwards. */
    interface SharedRows extends RowAttention, AutoCloseable {
        /** Does the part in a layer of a host that has no rows, because the text is short. */
        void absent(int layer);

        @Override
        void close();
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public boolean resumes() {
        return false;
    }

    @Override
    public boolean isExact() {
        return true;
    }

    @Override
    public int[] stops(List<LayerCache> layers, int tokens) {
        return new Full().stops(layers, tokens);
    }

    @Override
    public void requireFit(List<LayerCache> layers) {
        Approximate.refuseWindows(this, layers);
    }

    @Override
    public void read(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        Communicator hosts = sequence.hosts();
        if (hosts == null || sequence.cache().position() > 0) {
            new Full().read(forward, sequence, tokens, logits, sink, progress, cancellation);
            return;
        }
        Approximate.refuseLogitsOfAll(this, logits);
        Portion mine = portion(tokens.length, hosts.size(), hosts.rank());
        int at = 0;
        float[] known = {};
        try (SharedRows rows = rows(sequence, hosts, tokens.length)) {
            if (mine.count() == 0) {
                for (int layer = 0; layer < sequence.cache().layers().size(); layer++) {
                    rows.absent(layer);
                }
            } else {
                Slice.Logits wanted = mine.has(tokens.length - 1) ? logits : Slice.Logits.NONE;
                Slice slice = new Slice(sequence, mine.of(tokens), wanted, false, rows);
                Forward.Result result = forward.step(List.of(slice), ofText(progress, tokens.length), cancellation);
                known = result.values();
                at = wanted == Slice.Logits.LAST ? result.at(0, 0) : 0;
            }
        }
        if (logits == Slice.Logits.LAST) {
            int root = 0;
            while (!portion(tokens.length, hosts.size(), root).has(tokens.length - 1)) {
                root++;
            }
            PartialAttention.tellLast(hosts, root, forward.vocabulary(), known, at, tokens.length - 1, sink);
        }
        sequence.cache().goOnAt(tokens.length, hosts.rank() < hosts.size() - 1);
        progress.report(tokens.length, tokens.length);
    }
}
