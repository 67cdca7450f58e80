package dev.lectern.prefill;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.Question;
import dev.lectern.attention.Heads;
import dev.lectern.comm.Communicator;
import dev.lectern.kernel.AttentionTiles;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.LayerCache;
import dev.lectern.options.NamedOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What methods have in common that divide a text into blocks, of which each is read by itself but for a few tokens of those before it. */
abstract class Blockwise extends Approximate {
    private static final int MOST_BLOCKS = 1024;

    /** The option that says how many blocks there are. */
    static final String HOSTS = "hosts";

    private final int hosts;

    Blockwise(int hosts) {
        this.hosts = hosts;
    }

    /** The option for the number of blocks. */
    static int hosts(NamedOptions options, int unlessGiven) {
        return options.whole(HOSTS, unlessGiven, 1, MOST_BLOCKS);
    }

    /** How a text of so many tokens is read. */
    abstract BlockRecipe recipe(Division division);

    /** The question on which keys and values depend. */
    abstract Optional<Question> dependsOnQuestion();

    int hosts() {
        return hosts;
    }

    @Override
    public boolean isShared() {
        return true;
    }

    @Override
    public Map<String, String> dependsOn(int tokens) {
        String asked = dependsOnQuestion()
                .map(question -> Integer.toHexString(question.hashCode()))
                .orElse("any");
        Map<String, String> fields = new LinkedHashMap<>(super.dependsOn(tokens));
        fields.put("question", asked);
        return fields;
    }

    @Override
    public int rows(long tokens) {
        // The anchor comes whole, and the question with it.
        BlockRecipe recipe = recipe(Division.of(Math.toIntExact(tokens), hosts));
        Question question = recipe.question();
        int beside = recipe.anchorLength() + (question == null ? 0 : question.tokens().length);
        return Math.addExact(Full.CHUNK, beside);
    }

    @Override
    public int[] ofHost(int[] tokens, int hosts, int host) {
        return Portion.of(Division.of(tokens.length, hosts), host).of(tokens);
    }

    @Override
    public int rowsOfHost(int tokens, int hosts) {
        BlockRecipe recipe = recipe(Division.of(tokens, hosts));
        Question question = recipe.question();
        // With the question in it, or where every host has its own, the anchor is computed beside a block.
        int anchor = recipe.again() || recipe.embedded() != null ? recipe.anchorLength() : 0;
        int asked = question == null ? 0 : question.tokens().length;
        return Math.addExact(recipe.division().end(0), Math.addExact(anchor, asked));
    }

    @Override
    public long bytes(List<LayerCache> layers, long tokens) {
        return bytes(layers, recipe(Division.of(Math.toIntExact(tokens), hosts)));
    }

    @Override
    public long bytesOfHost(List<LayerCache> layers, Heads heads, int tokens, int hosts) {
        BlockRecipe recipe = recipe(Division.of(tokens, hosts));
        long message = 0;
        for (LayerCache layer : ChosenTokens.exact(layers)) {
            long all = ChosenTokens.wireBytes(layer, recipe.anchorLength());
            for (int block = 0; block + 1 < recipe.division().blocks(); block++) {
                all = Math.addExact(all, ChosenTokens.wireBytes(layer, recipe.passed(block)));
            }
            message = Math.max(message, all);
        }
        return Math.addExact(bytes(layers, recipe), 2 * message);
    }

    /** Bytes of the anchor and of what blocks pass on, which the last has all of. */
    private static long bytes(List<LayerCache> layers, BlockRecipe recipe) {
        List<LayerCache> beside = ChosenTokens.exact(layers);
        long bytes = CacheSizes.bytes(beside, Math.max(recipe.anchorLength(), AttentionTiles.TILE));
        for (int block = 0; block + 1 < recipe.division().blocks(); block++) {
            bytes = Math.addExact(bytes, CacheSizes.bytes(beside, recipe.passed(block)));
        }
        return bytes;
    }

    /** A question that chooses what is passed on is read behind the text, too. */
    private static void requirePositions(Forward forward, @Nullable Question question, int tokens) {
        long needed = (long) tokens + (question == null ? 0 : question.tokens().length);
        if (needed > forward.positions()) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    "The text and the question about it take " + needed + " tokens, and the model has "
                            + forward.positions() + " positions: leave room for the question.");
        }
    }

    private Division division(Sequence sequence, int tokens) {
        Communicator others = sequence.hosts();
        return Division.of(tokens, others == null ? hosts : others.size());
    }

    @Override
    boolean isWhole(Sequence sequence, int tokens) {
        return sequence.hosts() == null && division(sequence, tokens).blocks() == 1;
    }

    @Override
    void readText(
            Forward forward,
            Sequence sequence,
            int[] tokens,
            Slice.Logits logits,
            LogitSink sink,
            Progress progress,
            Cancellation cancellation) {
        Communicator others = sequence.hosts();
        BlockRecipe recipe = recipe(division(sequence, tokens.length));
        if (recipe.division().blocks() > 1) {
            requirePositions(forward, recipe.question(), tokens.length);
        }
        try (BlockReading reading = others == null
                ? new SerialBlocks(forward, sequence, tokens, recipe, cancellation)
                : new HostBlocks(forward, sequence, others, tokens, recipe, cancellation)) {
            reading.read(logits, sink, progress);
        }
        if (others != null) {
            sequence.cache().goOnAt(tokens.length, others.rank() < others.size() - 1);
        }
    }
}
