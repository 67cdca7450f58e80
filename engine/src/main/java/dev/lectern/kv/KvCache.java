package dev.lectern.kv;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.kernel.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.IntConsumer;
import java.util.function.IntPredicate;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The keys and values of one sequence of tokens, in pages. Pages are shared with the caches that were {@link #fork forked} from the same
 * beginning; a shared page is copied before it is written.
 *
 * <p>A step first {@link #reserve reserves} room, stores rows with {@link #put}, lets attention read them through {@link #page}, and at the
 * end {@link #commit commits}. Until then the {@link #length} does not move, so a step that is given up leaves nothing behind. With the commit tokens are closed as their format's {@link Closing}
 * says; a page of which all tokens are closed, keys and values, in every layer, is put into memory of its closed size.
 *
 * <p>One thread writes at a time; reads of different pages may run beside each other.
 */
public final class KvCache implements AutoCloseable {
    private final List<LayerCache> layers;
    private final boolean atOnce; // in every layer: nothing is closed later
    private final boolean observes;
    private final List<PageGroup> groups = new ArrayList<>();
    private final Map<String, CacheIndex> indexes = new HashMap<>();
    private final Map<String, MappedBytes> indexFiles = new HashMap<>(); // by the names of indexes that are in them
    private @Nullable ExactKeys exactKeys; // of all tokens, while an index is to be made of them
    private BitSet exactLayers = new BitSet(); // those of which it is to be made
    private final QueryWindow queries;
    private int length;
    private int dropped; // tokens that were before them and are gone
    private int cutAt; // tokens that were left when some were dropped
    private int goneOnAt; // where tokens begin that are stored elsewhere
    private boolean elsewhere; // whether those that follow are
    private int callStart;
    private int[] closedKeys; // [layers]
    private int[] closedValues; // [layers]
    private boolean closed;

    /** An empty cache. */
    public KvCache(List<LayerCache> layers) {
        this(layers, new QueryWindow(layers.size()));
    }

    /**
     * An empty cache of tokens that follow others, which are elsewhere.
     *
     * @param before how many: the position of the first token here
     */
    public KvCache(List<LayerCache> layers, int before) {
        this(layers);
        dropped = before;
    }

    private KvCache(List<LayerCache> layers, QueryWindow queries) {
        this.layers = List.copyOf(layers);
        this.queries = queries;
        atOnce = this.layers.stream()
                .allMatch(layer -> layer.keys().closing() instanceof Closing.AtOnce
                        && layer.values().closing() instanceof Closing.AtOnce);
        observes = this.layers.stream().anyMatch(LayerCache::observes);
        closedKeys = new int[this.layers.size()];
        closedValues = new int[this.layers.size()];
    }

    public List<LayerCache> layers() {
        return layers;
    }

    /** Tokens that are committed, and here. */
    public int length() {
        return length;
    }

    /** Tokens that are committed, those included that were dropped since: the position of the next one. */
    public int position() {
        return length + dropped;
    }

    /** Tokens before those here that were dropped; of a text that several caches share, those that stand in another were not. */
    public int gone() {
        return goneOnAt == 0 ? dropped : 0;
    }

    /** Tokens here that the next single token looks at: all, and itself, unless it is stored elsewhere. */
    public int visible() {
        return visible(1);
    }

    /** Tokens here that the last of so many in a step looks at. */
    public int visible(int stored) {
        return elsewhere ? length : length + stored;
    }

    /**
     * Ends the reading of a text that several caches share, each some tokens: what follows comes behind all of them.
     *
     * @param position of the next token
     * @param elsewhere whether it and all later ones are stored in another cache, and only counted here
     */
    public void goOnAt(int position, boolean elsewhere) {
        if (position < position()) {
            throw new IllegalArgumentException(position + " is not behind " + position());
        }
        dropped = position - length;
        cutAt = length;
        goneOnAt = position;
        this.elsewhere = elsewhere;
    }

    /** Tokens from the first on that {@link #truncate} cannot part: those that were left when some were dropped. */
    public int cutAt() {
        return cutAt;
    }

    /** The position to which {@link #truncateTo} goes back at most. */
    public int leastPosition() {
        return elsewhere ? goneOnAt : dropped + cutAt;
    }

    /** Tokens from the first on whose keys in a layer stand as they will stay. */
    public int settledKeys(int layer) {
        return atOnce ? length : closedKeys[layer];
    }

    /** Bytes of native memory in pages that this cache holds, alone or with others. */
    public long bytes() {
        return groups.stream().mapToLong(PageGroup::bytes).sum();
    }

    /**
     * How many tokens a step may store so that all of them see what they would see one by one: no token is closed before the last of them. KIVI closes tokens all the time, and there a step of any length is exact to itself, as its prompt is.
     */
    public int steady() {
        return CacheSizes.steady(layers, length);
    }

    /** Whether {@link #observe} wants to be told. */
    public boolean observes() {
        return observes && !elsewhere;
    }

    /**
     * Is told the queries of a token of the step.
     *
     * @param q {@code [kvHeads · group][headDim]} from qAt, rotated
     */
    public void observe(int layer, int token, float[] q, int qAt, int group) {
        page(layer, token / Page.TOKENS).keys().observe(token % Page.TOKENS, q, qAt, group);
    }

    /**
     * Makes ready for {@link #remember}.
     *
     * @param width numbers in a token's queries, the same ever after
     */
    public void expectQueries(int width) {
        queries.begin(width);
    }

    /**
     * Is told the queries of a token of a text that is read, {@code [heads][headDim]} from qAt, rotated; tokens of a step in any order, and from several threads.
     */
    public void remember(int layer, int token, float[] q, int qAt) {
        if (elsewhere) {
            return;
        }
        queries.tell(layer, token, q, qAt);
    }

    /** The queries of the last tokens that were read, here or before they were kept. */
    public QueryWindow queries() {
        return queries;
    }

    /**
     * What a method keeps of this sequence.
     *
     * @param method its name with all options that the index depends on
     * @param fresh makes an empty one, where there is none yet
     */
    public <I extends CacheIndex> I index(String method, Class<I> type, Supplier<I> fresh) {
        checkOpen();
        return type.cast(indexes.computeIfAbsent(method, name -> fresh.get()));
    }

    /** Whether a method keeps something of this sequence. */
    public boolean hasIndex(String method) {
        return indexes.containsKey(method);
    }

    /** Bytes of all indexes, and of {@linkplain #keepExactKeys exact keys} that one is to be made of. */
    public long indexBytes() {
        long exact = exactKeys == null ? 0 : exactKeys.bytes();
        return indexes.values().stream().mapToLong(CacheIndex::bytes).sum() + exact;
    }

    /**
     * Takes an index from a file.
     *
     * @param index whose memory is in the file, and which is there from now on in place of what had its name
     */
    public void restoreIndex(String method, CacheIndex index, MappedBytes file) {
        checkOpen();
        CacheIndex before = indexes.put(method, index);
        if (before != null) {
            before.close();
        }
        indexFiles.put(method, file);
        forgetExactKeys(); // none is to be made
    }

    /** What is kept of an index; empty if there is none. */
    public Optional<CacheIndex.Image> indexImage(String method) {
        return Optional.ofNullable(indexes.get(method)).flatMap(CacheIndex::image);
    }

    /**
     * Has the keys of some layers kept in f16 beside their format until an index was made of them, {@link #forgetExactKeys}; of layers whose format is exact, they are there anyway.
     *
     * @param wanted whether a layer is one of these
     */
    public void keepExactKeys(IntPredicate wanted) {
        if (length > 0) {
            throw new IllegalStateException("the keys of " + length + " tokens are codes already");
        }
        exactLayers = ExactKeys.layers(layers, wanted);
        exactKeys = exactLayers.isEmpty() ? null : new ExactKeys(layers, exactLayers);
    }

    /** Whether the keys of all tokens of a layer are there as they were computed, but for the rounding of floats. */
    public boolean hasExactKeys(int layer) {
        return layers.get(layer).keys().isExact() || (exactKeys != null && exactLayers.get(layer));
    }

    /** The keys of a page as exactly as they are there. */
    public KvSide exactestKeys(int layer, int page) {
        ExactKeys exact = exactKeys;
        return exact != null && exactLayers.get(layer)
                ? exact.page(layer, page)
                : page(layer, page).keys();
    }

    /** Says that no index is to be made of a layer's exact keys any more. Those of all layers are freed when this was said of the last. */
    public void forgetExactKeys(int layer) {
        exactLayers.clear(layer);
        if (exactLayers.isEmpty()) {
            forgetExactKeys();
        }
    }

    private void forgetExactKeys() {
        exactLayers.clear();
        if (exactKeys != null) {
            exactKeys.close();
            exactKeys = null;
        }
    }

    /**
     * Makes room for tokens after the committed ones.
     *
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left; of kind {@code CHECKSUM} if a file of a page was cut
     */
    public void reserve(int tokens) {
        checkOpen();
        requireWholeFiles();
        if (elsewhere) {
            return;
        }
        int needed = Math.addExact(length, tokens);
        int inPage = length % Page.TOKENS;
        if (inPage != 0) {
            PageGroup group = own(length / Page.TOKENS);
            for (int l = 0; l < layers.size(); l++) {
                Page page = group.page(l);
                page.keys()
                        .reopen(layers.get(l).keys().closing().left(page.keys().closed(), inPage));
                page.values()
                        .reopen(layers.get(l)
                                .values()
                                .closing()
                                .left(page.values().closed(), inPage));
            }
        }
        while ((long) groups.size() * Page.TOKENS < needed) {
            groups.add(PageGroup.open(layers, groups.isEmpty()));
        }
        if (exactKeys != null) {
            exactKeys.reserve(length, needed);
        }
    }

    /** A group that nobody else holds. */
    private PageGroup own(int index) {
        PageGroup group = groups.get(index);
        if (group.isReadOnly()) {
            PageGroup copy = group.copy();
            groups.set(index, copy);
            group.release();
            return copy;
        }
        return group;
    }

    /**
     * Stores one token of one layer in reserved room.
     *
     * @param token its place in the sequence, from 0; at or after {@link #length}
     * @param k {@code [kvHeads][headDim]} from kAt, rotated
     * @param v {@code [kvHeads][headDim]} from vAt
     */
    public void put(int layer, int token, float[] k, int kAt, float[] v, int vAt) {
        if (token < length) {
            throw new IllegalArgumentException("token " + token + " is committed");
        }
        if (elsewhere) {
            return;
        }
        Page page = page(layer, token / Page.TOKENS);
        page.keys().put(token % Page.TOKENS, k, kAt);
        page.values().put(token % Page.TOKENS, v, vAt);
        ExactKeys exact = exactKeys;
        if (exact != null && exactLayers.get(layer)) {
            exact.page(layer, token / Page.TOKENS).put(token % Page.TOKENS, k, kAt);
        }
    }

    /** The page of a layer that holds the tokens from {@code index · 256} on. */
    public Page page(int layer, int index) {
        return groups.get(index).page(layer);
    }

    /** Makes the tokens of a finished step, with which a call ends, part of the sequence. */
    public void commit(int tokens) {
        commit(tokens, true, null);
    }

    /**
     * Makes the tokens of a finished step part of the sequence, and closes tokens.
     *
     * @param ended whether the call ends: the reading of a text, or a step of an answer
     * @param workers who share the work; null for none
     * @throws LecternException of kind {@code NO_MEMORY} if there is none for closed pages; then nothing was committed
     */
    public void commit(int tokens, boolean ended, @Nullable Workers workers) {
        if (elsewhere) {
            dropped = Math.addExact(dropped, tokens);
            return;
        }
        int longer = Math.addExact(length, tokens);
        if (!atOnce) {
            close(longer, ended, workers);
        }
        length = longer;
        callStart = ended ? longer : callStart;
    }

    private void close(int tokens, boolean ended, @Nullable Workers workers) {
        int[] keys = new int[layers.size()], values = new int[layers.size()];
        int all = tokens;
        for (int l = 0; l < keys.length; l++) {
            keys[l] = layers.get(l).keys().closing().after(closedKeys[l], callStart, tokens, ended);
            values[l] = layers.get(l).values().closing().after(closedValues[l], callStart, tokens, ended);
            all = Math.min(all, Math.min(keys[l], values[l]));
        }
        Map<Integer, PageGroup> closing = new TreeMap<>();
        boolean inPlace = false;
        try {
            for (int i = 0; i < groups.size(); i++) {
                if (i == pinned()) {
                    continue;
                }
                if (groups.get(i).isOpen() && (i + 1) * Page.TOKENS <= all) {
                    closing.put(i, groups.get(i).closed());
                } else if (groups.get(i).isOpen() && closesIn(i, keys, values)) {
                    own(i);
                    inPlace = true;
                }
            }
        } catch (LecternException e) {
            closing.values().forEach(PageGroup::release);
            throw e;
        }
        // After most tokens of an answer nothing is closed, and no thread has to be woken for that.
        run(workers, closing.isEmpty() && !inPlace ? 0 : layers.size(), layer -> {
            for (int i = 0; i < groups.size(); i++) {
                PageGroup group = groups.get(i), target = closing.get(i);
                if (target != null) {
                    group.closeInto(target, layer);
                } else if (group.isOpen() && i != pinned()) {
                    Page page = group.page(layer);
                    page.keys().close(inPage(keys[layer], i));
                    page.values().close(inPage(values[layer], i));
                }
            }
        });
        closing.forEach((i, group) -> groups.set(i, group).release());
        closedKeys = keys;
        closedValues = values;
    }

    /**
     * The page in which tokens end that cannot be read again: it stays open, so that those after them can be cut off without it; −1 for none.
     */
    private int pinned() {
        return cutAt % Page.TOKENS == 0 ? -1 : cutAt / Page.TOKENS;
    }

    /** Tokens of a page among the first so many of all. */
    private static int inPage(int tokens, int page) {
        return Math.clamp(tokens - (long) page * Page.TOKENS, 0, Page.TOKENS);
    }

    /** Whether tokens are closed within an open group. */
    private boolean closesIn(int index, int[] keys, int[] values) {
        PageGroup group = groups.get(index);
        for (int l = 0; l < layers.size(); l++) {
            Page page = group.page(l);
            if ((layers.get(l).keys().closesInPlace()
                            && inPage(keys[l], index) > page.keys().closed())
                    || (layers.get(l).values().closesInPlace()
                            && inPage(values[l], index) > page.values().closed())) {
                return true;
            }
        }
        return false;
    }

    private static void run(@Nullable Workers workers, int tasks, IntConsumer task) {
        if (workers == null) {
            for (int i = 0; i < tasks; i++) {
                task.accept(i);
            }
        } else {
            workers.run(tasks, new Cancellation(), (i, worker) -> task.accept(i));
        }
    }

    /**
     * Appends the tokens of one of its whole pages once more, in memory of their own. Keys stay rotated as they were stored, so this is
     * for measuring: the cache is as long as that of a longer text and costs as much, but means nothing.
     *
     * @param index of the page; the length is whole pages
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public void repeatPage(int index) {
        checkOpen();
        if (length % Page.TOKENS != 0 || index < 0 || index >= length / Page.TOKENS) {
            throw new IllegalArgumentException("page " + index + " cannot follow " + length + " tokens");
        }
        truncate(length); // what was reserved and not committed makes room
        forgetExactKeys(); // what is copied is what is stored
        reserve(Page.TOKENS);
        for (int l = 0; l < layers.size(); l++) {
            LayerCache layer = layers.get(l);
            float[] k = new float[layer.kvHeads() * layer.headDim()], v = new float[k.length];
            for (int token = 0; token < Page.TOKENS; token++) {
                int[] id = {token};
                for (int head = 0; head < layer.kvHeads(); head++) {
                    int at = head * layer.headDim();
                    page(l, index).keys().gather(head, id, 0, 1, 0, k, at, layer.headDim());
                    page(l, index).values().gather(head, id, 0, 1, 0, v, at, layer.headDim());
                }
                put(l, length + token, k, 0, v, 0);
            }
        }
        commit(Page.TOKENS);
    }

    /**
     * Another cache with some of this one's tokens, for each kv head others: as if the rest had never been read, but that what follows goes on at its position. What formats have learnt from queries
     * they learn from those of the {@link #queries window}.
     *
     * @param kept {@code [layers][kvHeads]}: tokens, ascending, as many for each, at least one
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public KvCache keeping(int[][][] kept) {
        checkOpen();
        int count = kept[0][0].length;
        KvCache fewer = new KvCache(layers);
        try {
            fewer.reserve(count);
            for (int l = 0; l < layers.size(); l++) {
                copy(l, kept[l], fewer);
            }
            fewer.commit(count);
        } catch (RuntimeException | Error e) {
            fewer.close();
            throw e;
        }
        fewer.dropped = position() - count;
        fewer.cutAt = count;
        return fewer;
    }

    /** Stores the kept tokens of a layer in another cache. */
    private void copy(int layer, int[][] kept, KvCache to) {
        LayerCache shape = layers.get(layer);
        int headDim = shape.headDim(), width = shape.kvHeads() * headDim;
        float[] k = new float[width], v = new float[width];
        int[] window = queries.tokens(layer, length), id = new int[1];
        int group = window.length == 0 ? 0 : queries.width(layer) / width;
        for (int i = 0; i < kept[0].length; i++) {
            for (int head = 0; head < shape.kvHeads(); head++) {
                id[0] = kept[head][i];
                int index = id[0] / Page.TOKENS, first = index * Page.TOKENS;
                page(layer, index).keys().gather(head, id, 0, 1, first, k, head * headDim, headDim);
                page(layer, index).values().gather(head, id, 0, 1, first, v, head * headDim, headDim);
            }
            to.put(layer, i, k, 0, v, 0);
            if (observes && window.length > 0) {
                int at = queries.at(layer, window[i % window.length]);
                to.observe(layer, i, queries.rows(layer), at, group);
            }
        }
    }

    /** Another cache with the same tokens so far; no page is copied. */
    public KvCache fork() {
        checkOpen();
        KvCache fork = new KvCache(layers, queries.fork());
        indexes.forEach((method, index) -> fork.indexes.put(method, index.fork()));
        fork.indexFiles.putAll(indexFiles);
        if (exactKeys != null) {
            fork.exactKeys = exactKeys.fork();
            fork.exactLayers.or(exactLayers);
        }
        for (int i = 0; i < CacheSizes.pages(length); i++) {
            fork.groups.add(groups.get(i).retain());
        }
        fork.length = length;
        fork.dropped = dropped;
        fork.cutAt = cutAt;
        fork.goneOnAt = goneOnAt;
        fork.elsewhere = elsewhere;
        fork.callStart = callStart;
        fork.closedKeys = closedKeys.clone();
        fork.closedValues = closedValues.clone();
        return fork;
    }

    /**
     * Forgets all tokens from {@code length} on, and where that is within a closed page all of the page's, because no token can be stored in one; no page is copied.
     *
     * @return the tokens that are left
     */
    public int truncate(int length) {
        checkOpen();
        if (length < cutAt || length > this.length) {
            throw new IllegalArgumentException("cannot truncate " + this.length + " tokens to " + length
                    + (cutAt > 0 ? ", because the first " + cutAt + " are what was left of more" : ""));
        }
        int inPage = length % Page.TOKENS;
        boolean isClosed = inPage != 0 && !groups.get(length / Page.TOKENS).isOpen();
        this.length = isClosed ? length - inPage : length;
        while (groups.size() > CacheSizes.pages(this.length)) {
            groups.removeLast().release();
        }
        int settled = this.length;
        for (int l = 0; l < layers.size(); l++) {
            boolean cut = closedKeys[l] > this.length;
            closedKeys[l] = layers.get(l).keys().closing().left(closedKeys[l], this.length);
            closedValues[l] = layers.get(l).values().closing().left(closedValues[l], this.length);
            settled = cut ? Math.min(settled, closedKeys[l]) : settled;
        }
        callStart = Math.min(callStart, this.length);
        queries.truncate(this.length);
        if (exactKeys != null) {
            exactKeys.truncate(this.length);
        }
        for (CacheIndex index : indexes.values()) {
            index.truncate(this.length);
            if (settled < this.length) {
                index.unsettle(settled);
            }
        }
        return this.length;
    }

    /**
     * Forgets all tokens from a position on, as {@link #truncate} does.
     *
     * @return the position of the next token
     */
    public int truncateTo(int position) {
        if (elsewhere) {
            if (position < goneOnAt || position > position()) {
                throw new IllegalArgumentException("cannot go back from " + position() + " to " + position);
            }
            dropped = position - length;
            return position;
        }
        return dropped + truncate(position - dropped);
    }

    /** The bytes of all layers of a page, as they lie in memory; good until the cache is closed or truncated. */
    public MemorySegment pageMemory(int index) {
        return groups.get(index).memory();
    }

    /** Bytes of pages that are files, which the system can drop from memory and read again. */
    public long mappedBytes() {
        return groups.stream()
                .filter(PageGroup::isMapped)
                .mapToLong(PageGroup::bytes)
                .sum();
    }

    /**
     * Checks that the files of its pages and indexes are as long as when they were mapped. Asked before each step, so that it names the file; one that is cut within a step is found by the kernel that reads
     * beyond its end, and then asked for by this.
     *
     * @throws LecternException of kind {@code CHECKSUM} that names the file
     */
    public void requireWholeFiles() {
        Stream<Path> ofPages = groups.stream().map(PageGroup::cutFile).flatMap(Optional::stream);
        Stream<Path> ofIndexes =
                indexFiles.values().stream().filter(MappedBytes::isCut).map(MappedBytes::file);
        Optional<Path> cut = Stream.concat(ofPages, ofIndexes).findFirst();
        if (cut.isPresent()) {
            throw new LecternException(
                    LecternException.Kind.CHECKSUM,
                    cut.get() + " was cut while it was used, so this cannot go on: ask again, and what is gone is"
                            + " read again.");
        }
    }

    /**
     * Appends a page in its final form that lies in a mapped file. It is never written.
     *
     * @param page {@link CacheSizes#finalPageBytes} long; belongs to the cache from now on
     */
    public void appendMapped(MappedBytes page) {
        checkOpen();
        boolean first = groups.isEmpty();
        long bytes = page.memory().byteSize();
        if (length != groups.size() * Page.TOKENS || bytes != CacheSizes.finalPageBytes(layers, first)) {
            throw new IllegalArgumentException(bytes + " bytes of a page after " + length + " tokens");
        }
        forgetExactKeys();
        groups.add(PageGroup.mapped(layers, atOnce, first, page));
        length += Page.TOKENS;
        Arrays.fill(closedKeys, length);
        Arrays.fill(closedValues, length);
    }

    /**
     * What is to be known, beside the bytes of its pages from {@code first} on and of {@link #tailQueries}, to go on exactly as this cache would.
     *
     * @param first pages before it are in their final form
     * @param withQueries whether the queries are kept too
     * @return for {@link #loadTail}
     */
    public int[] tailState(int first, boolean withQueries) {
        int pages = groups.size() - first, count = layers.size();
        int[] window = withQueries ? queries.state() : new int[] {0};
        int[] state = new int[TAIL_NUMBERS + 2 * count * (1 + pages) + window.length];
        state[0] = length;
        state[1] = callStart;
        state[2] = count;
        state[3] = window.length;
        System.arraycopy(closedKeys, 0, state, TAIL_NUMBERS, count);
        System.arraycopy(closedValues, 0, state, TAIL_NUMBERS + count, count);
        int at = TAIL_NUMBERS + 2 * count;
        for (int i = 0; i < pages; i++) {
            for (int l = 0; l < count; l++) {
                Page page = groups.get(first + i).page(l);
                state[at++] = page.keys().closed();
                state[at++] = page.values().closed();
            }
        }
        System.arraycopy(window, 0, state, at, window.length);
        return state;
    }

    /** Length, where the call began, layers, and numbers of the window of queries. */
    private static final int TAIL_NUMBERS = 4;

    /** The numbers of the {@link #queries window} of queries. */
    public MemorySegment tailQueries(Arena arena) {
        return queries.copy(arena);
    }

    /**
     * Appends copies of open pages after the final ones that it holds, and takes the queries of the last tokens where they were kept.
     *
     * @param state what {@link #tailState} said
     * @param bytes of the pages, one after the other, and of {@link #tailQueries}
     * @throws IllegalArgumentException if the two cannot belong together, or to this cache; nothing has changed then
     * @throws LecternException of kind {@code NO_MEMORY} if the machine has none left
     */
    public void loadTail(int[] state, MemorySegment bytes) {
        checkOpen();
        int first = groups.size(), count = layers.size();
        requireState(length == first * Page.TOKENS && state.length >= TAIL_NUMBERS && state[2] == count);
        requireState(state[0] >= length && state[1] >= 0 && state[1] <= state[0] && state[3] >= 1);
        int pages = (int) (CacheSizes.pages(state[0]) - first);
        requireState(state.length == TAIL_NUMBERS + 2L * count * (1L + pages) + state[3]);
        int end = state.length - state[3];
        for (int i = TAIL_NUMBERS; i < end; i++) {
            requireState(state[i] >= 0 && state[i] <= (i < TAIL_NUMBERS + 2 * count ? state[0] : Page.TOKENS));
        }
        long pageBytes = CacheSizes.tailBytes(layers, first, state[0]);
        int[] window = Arrays.copyOfRange(state, end, state.length);
        requireState(bytes.byteSize() == Math.addExact(pageBytes, queries.bytes(window, state[0])));
        long offset = 0;
        for (int i = 0; i < pages; i++) {
            PageGroup group = PageGroup.open(layers, first + i == 0);
            int[] keys = new int[count], values = new int[count];
            for (int l = 0, at = TAIL_NUMBERS + 2 * count * (1 + i); l < count; l++) {
                keys[l] = state[at++];
                values[l] = state[at++];
            }
            group.load(bytes.asSlice(offset, group.bytes()), keys, values);
            groups.add(group);
            offset += group.bytes();
        }
        forgetExactKeys();
        queries.load(window, bytes.asSlice(pageBytes));
        length = state[0];
        callStart = state[1];
        closedKeys = Arrays.copyOfRange(state, TAIL_NUMBERS, TAIL_NUMBERS + count);
        closedValues = Arrays.copyOfRange(state, TAIL_NUMBERS + count, TAIL_NUMBERS + 2 * count);
    }

    private static void requireState(boolean fits) {
        if (!fits) {
            throw new IllegalArgumentException("this is not the state of such a cache");
        }
    }

    private void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the cache is closed");
        }
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            groups.forEach(PageGroup::release);
            groups.clear();
            indexes.values().forEach(CacheIndex::close);
            indexes.clear();
            indexFiles.clear();
            forgetExactKeys();
        }
    }
}
