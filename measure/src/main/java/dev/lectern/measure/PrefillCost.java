package dev.lectern.measure;

import dev.lectern.Pairs;
import dev.lectern.model.Config;
import dev.lectern.model.Families;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a method of reading has to compute, by counting: a multiplication with its addition is two operations. In a layer a token costs those of its weights, and a pair of a query and a key that it looks at costs 4 for
 * each number of a query, two products in each head. A text's own pairs are counted as half its square. Not counted are norms, rotations, the vocabulary's product, and what chooses the tokens that are passed on.
 *
 * <p>Blocks are taken as equally long. Hosts are numbered from 0.
 *
 * @param queries numbers in all query heads of a token
 * @param headDim numbers in one of them
 * @param keys numbers in all its keys, and as many in its values
 * @param matrices of hidden × feedForward in the feed-forward layer: 3 with a gate, 2 without
 */
record PrefillCost(int layers, int hidden, int queries, int headDim, int keys, int feedForward, int matrices) {
    /** Who computes an anchor. */
    enum Anchor {
        /** Nobody: it is the first tokens of the text, in the first block. */
        TEXT,
        /** The first host, for all, beside its block. */
        ONCE,
        /** Every host but the first for itself. */
        AGAIN
    }

    /**
     * What one host computes.
     *
     * @param tokens that go through the weights
     * @param pairs of queries and keys, in every layer and head
     */
    record Share(double tokens, double pairs) {}

    /** Of a model's file. */
    static PrefillCost of(Path model) {
        try (ModelFile file = ModelFiles.open(model)) {
            Config config = Families.config(file);
            return new PrefillCost(
                    config.layers(),
                    config.hidden(),
                    config.heads() * config.headDim(),
                    config.headDim(),
                    config.kvHeads() * config.headDim(),
                    config.feedForward(),
                    config.family().equals("gpt2") ? 2 : 3);
        }
    }

    /** Weights of a layer. */
    private double weights() {
        return 2.0 * hidden * queries + 2.0 * hidden * keys + (double) matrices * hidden * feedForward;
    }

    double operations(Share share) {
        return layers * (2 * weights() * share.tokens + 4.0 * queries * share.pairs);
    }

    /**
     * What was computed, where it was counted while a text was read.
     *
     * @param tokens that went through the weights
     * @param pairs of every layer and head
     */
    double operations(double tokens, Pairs pairs) {
        return layers * 2 * weights() * tokens + headDim * (4.0 * pairs.computed() + 2.0 * pairs.scored());
    }

    /** Of all hosts together. */
    double sum(List<Share> shares) {
        return shares.stream().mapToDouble(this::operations).sum();
    }

    /** Of the host that has most to do. */
    double most(List<Share> shares) {
        return shares.stream().mapToDouble(this::operations).max().orElseThrow();
    }

    /** A text on one host, exactly. */
    static List<Share> full(double tokens) {
        return List.of(new Share(tokens, tokens * tokens / 2));
    }

    /** Exact methods whose hosts have equally much to do: a ring in zigzag order, Ulysses. */
    static List<Share> balanced(double tokens, int hosts) {
        return Collections.nCopies(hosts, new Share(tokens / hosts, tokens * tokens / 2 / hosts));
    }

    /** A ring of which each host has one run of the text. */
    static List<Share> contiguous(double tokens, int hosts) {
        double block = tokens / hosts;
        List<Share> shares = new ArrayList<>();
        for (int host = 0; host < hosts; host++) {
            shares.add(new Share(block, block * block * (host + 0.5)));
        }
        return shares;
    }

    /**
     * Blocks that see an anchor, and some tokens of each block before them: Star Attention, with an anchor as long as a block and nothing passed, and APB.
     *
     * @param anchor tokens of it, a question in it included
     * @param passing tokens of each block
     */
    static List<Share> blocks(double tokens, int hosts, double anchor, double passing, Anchor computed) {
        double block = tokens / hosts, alone = block * block / 2;
        List<Share> shares = new ArrayList<>();
        boolean beside = computed == Anchor.ONCE && hosts > 1;
        shares.add(new Share(block + (beside ? anchor : 0), alone + (beside ? anchor * anchor / 2 : 0)));
        for (int host = 1; host < hosts; host++) {
            double seen = block * (anchor + passing * host);
            boolean again = computed == Anchor.AGAIN;
            shares.add(new Share(block + (again ? anchor : 0), alone + seen + (again ? anchor * anchor / 2 : 0)));
        }
        return shares;
    }
}
