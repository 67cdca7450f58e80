package dev.lectern;

import dev.lectern.attention.Indexed;
import dev.lectern.comm.Communicator;
import dev.lectern.kept.Fingerprint;
import dev.lectern.kept.Hash;
import dev.lectern.kept.KeptFile;
import dev.lectern.kept.KeptFolder;
import dev.lectern.kv.CacheIndex;
import dev.lectern.kv.CacheSizes;
import dev.lectern.kv.KvCache;
import dev.lectern.kv.LayerCache;
import dev.lectern.kv.MappedBytes;
import dev.lectern.kv.Page;
import dev.lectern.kv.QueryWindow;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * One text on its way into a cache of keys and values and onto the disk: takes what is kept of it, and keeps what is read.
 *
 * <p>Pages in their final form depend on nothing but the tokens up to their end, so they are kept one by one, each known by a hash of all tokens up to there. What is behind the last of them, open
 * pages and how far each is closed, is kept as a tail: at the end of the text, with the logits and the last queries; and, where a format holds the latest tokens exactly, which makes a page's edge no place
 * to go on from, every {@value #BETWEEN_TAILS} tokens on the way. A tail is as large as some pages, so of these only some stay, for other texts with the same beginning: the further
 * apart the longer the text, so that they are as many as its length has doublings, and a text that differs loses an eighth at most. The others are for a reading that is killed, and the next
 * replaces each.
 *
 * <p>Of a text that hosts share, each keeps its part so, of which a later reading takes all or nothing.
 */
final class Keeping {
    /** Tokens of which a reading that is killed may lose the work, with a format that has to keep a tail to go on. */
    private static final int BETWEEN_TAILS = 1024;

    /** The share of a text between tails that stay: one eighth. */
    private static final int STAYING = 8;

    /** Raised whenever indexes come out otherwise than before, or are laid out otherwise: what was kept is not used then. */
    private static final String INDEXES = ":layout=1";

    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final KeptReadings kept;
    private final KeptFolder folder;
    private final Fingerprint fingerprint;
    private final List<LayerCache> layers;
    private final int[] text;
    private final int[] stops; // where a reading can be taken up
    private final int sharers; // processes of this machine that keep as much in the same folder meanwhile
    private final Hash[] chain; // [pages + 1]: before each page, and after the last
    private final FileTime used; // one for all files, so that they are evicted from the end
    private int published; // pages that are on the disk
    private int written;
    private long writtenBytes;
    private long
            held; // bytes of this text on the disk: what was taken, was there, or was written, without what is gone
    private int lastTail = -BETWEEN_TAILS / 2; // short texts get one, too
    private int lastStaying = lastTail;
    private @Nullable Path stopover; // a tail on the way that goes when there is a later one
    private long stopoverBytes;
    private @Nullable LecternException failure;
    private boolean damaged; // something that was kept of it could not be used

    /** @param stops of the text, as its method of reading says */
    Keeping(KeptReadings kept, Fingerprint fingerprint, List<LayerCache> layers, int[] text, int[] stops) {
        this(kept, fingerprint, layers, text, stops, 1);
    }

    /** The part of one host, which is of use whole alone, as the others' steps are one with its own. */
    static Keeping ofPart(
            KeptReadings kept, Fingerprint fingerprint, List<LayerCache> layers, int[] part, Communicator hosts) {
        return new Keeping(kept, fingerprint, layers, part, new int[0], hosts.ranksHere());
    }

    private Keeping(
            KeptReadings kept, Fingerprint fingerprint, List<LayerCache> layers, int[] text, int[] stops, int sharers) {
        this.kept = kept;
        this.folder = kept.folder();
        this.fingerprint = fingerprint;
        this.layers = layers;
        this.text = text;
        this.stops = stops;
        this.sharers = sharers;
        chain = new Hash[text.length / Page.TOKENS + 1];
        chain[0] = fingerprint.hash();
        for (int i = 1; i < chain.length; i++) {
            chain[i] = chain[i - 1].then(text, (i - 1) * Page.TOKENS, i * Page.TOKENS);
        }
        used = FileTime.fromMillis(System.currentTimeMillis());
    }

    private Path page(int index) {
        return folder.page(index * Page.TOKENS, chain[index + 1]);
    }

    /** The tail of the first so many tokens, of which so many pages are apart. */
    private Path tail(int pages, int tokens) {
        return folder.tail(pages * Page.TOKENS, chain[pages].then(text, pages * Page.TOKENS, tokens));
    }

    /** The pages of a text that were found and verified so far, in order. */
    private final class Found {
        private final List<KeptFile> pages = new ArrayList<>();
        private boolean ended;

        /** Whether so many are there. */
        boolean reaches(int count) {
            while (pages.size() < count && !ended) {
                int index = pages.size(), from = index * Page.TOKENS;
                Path path = page(index);
                Optional<KeptFile> file = open(path);
                if (file.isPresent()) {
                    boolean fits = file.get().holds(chain[0], chain[index], text, from, from + Page.TOKENS)
                            && file.get().payload().byteSize() == CacheSizes.finalPageBytes(layers, index == 0);
                    if (fits) {
                        pages.add(file.get());
                        continue;
                    }
                    file.get().close();
                    discard(path, "it holds something else than its name says");
                }
                ended = true;
            }
            return pages.size() >= count;
        }

        /** Gives the first so many to a cache, and lets the others go; returns the bytes of their files. */
        long giveTo(KvCache cache, int count) {
            long bytes = 0;
            for (int i = 0; i < pages.size(); i++) {
                KeptFile file = pages.get(i);
                if (i < count) {
                    Path path = page(i);
                    cache.appendMapped(new MappedBytes(file.payload(), file.arena(), path, file.fileBytes()));
                    KeptFolder.touch(path, used);
                    bytes += file.fileBytes();
                } else {
                    file.close();
                }
            }
            pages.clear();
            return bytes;
        }
    }

    /**
     * Takes as much of the text as there is into an empty cache.
     *
     * @param vocabulary numbers in the logits
     * @param logits is told those after the text, if all of it is there
     * @param how what is found is kept, to be told after it; may be empty
     */
    Recall recall(KvCache cache, int vocabulary, Consumer<float[]> logits, String how) {
        Found found = new Found();
        try {
            int whole = CacheSizes.finalPages(layers, text.length, true);
            Path end = tail(whole, text.length);
            if (KeptFolder.isThere(end) && found.reaches(whole)) {
                Optional<KeptFile> tail = opened(end, whole, text.length);
                if (tail.isPresent()) {
                    try (KeptFile file = tail.get()) {
                        boolean ends = file.logits().byteSize() == (long) Float.BYTES * vocabulary;
                        if (ends && take(cache, found, whole, Optional.of(file), end)) {
                            logits.accept(file.logits().toArray(FLOAT));
                            return new Recall(Recall.Outcome.HIT, text.length, "all of it is kept" + how);
                        }
                    }
                }
            }
            for (int i = stops.length - 1; i >= 0; i--) {
                if (takeUp(cache, found, stops[i])) {
                    String why = damaged ? "what follows was damaged" : "what follows was not kept, or is another text";
                    return new Recall(Recall.Outcome.PARTIAL, stops[i], why + how);
                }
            }
            String why = damaged ? "what was kept of it was damaged" : kept.whyNot(fingerprint, text);
            return new Recall(Recall.Outcome.MISS, 0, why);
        } finally {
            found.giveTo(cache, 0);
        }
    }

    /** Tries to go on from a place on the way. */
    private boolean takeUp(KvCache cache, Found found, int stop) {
        if (text.length - stop < QueryWindow.TOKENS) {
            return false; // the queries before it are not kept, and the window of the last ones is to be whole
        }
        int pages = CacheSizes.finalPages(layers, stop, false);
        if (pages * Page.TOKENS == stop) {
            if (!found.reaches(pages)) {
                return false;
            }
            return take(cache, found, pages, Optional.empty(), page(0));
        }
        Path path = tail(pages, stop);
        if (!KeptFolder.isThere(path) || !found.reaches(pages)) {
            return false;
        }
        Optional<KeptFile> tail = opened(path, pages, stop);
        if (tail.isEmpty()) {
            return false;
        }
        try (KeptFile file = tail.get()) {
            return take(cache, found, pages, tail, path);
        }
    }

    /** A tail, if it is whole and can follow the pages before it. */
    private Optional<KeptFile> opened(Path path, int pages, int tokens) {
        Optional<KeptFile> tail = open(path);
        if (tail.isPresent()) {
            KeptFile file = tail.get();
            int[] state = file.state();
            boolean fits = file.holds(chain[0], chain[pages], text, pages * Page.TOKENS, tokens)
                    && state.length > 0
                    && state[0] == tokens;
            if (!fits) {
                file.close();
                discard(path, "it holds something else than its name says");
                return Optional.empty();
            }
        }
        return tail;
    }

    private Optional<KeptFile> open(Path path) {
        boolean isThere = KeptFolder.isThere(path);
        Optional<KeptFile> file = folder.open(path);
        damaged |= isThere && file.isEmpty();
        return file;
    }

    private void discard(Path path, String why) {
        damaged = true;
        folder.discard(path, why);
    }

    private boolean take(KvCache cache, Found found, int pages, Optional<KeptFile> tail, Path path) {
        long taken = found.giveTo(cache, pages);
        if (tail.isPresent()) {
            try {
                cache.loadTail(tail.get().state(), tail.get().payload());
            } catch (IllegalArgumentException e) {
                discard(path, String.valueOf(e.getMessage()));
                cache.truncate(0);
                return false;
            }
            KeptFolder.touch(path, used);
            taken += tail.get().fileBytes();
        }
        published = pages;
        held = taken;
        lastTail = cache.length();
        lastStaying = lastTail;
        return true;
    }

    /** Keeps what a step has brought into its final form. Never fails: what cannot be kept is told at the end. */
    void stepped(KvCache cache) {
        int length = cache.length();
        attempt(() -> {
            publishPages(cache, CacheSizes.finalPages(layers, length, false));
            boolean needsTail = published * Page.TOKENS < length && Arrays.binarySearch(stops, length) >= 0;
            if (failure == null && needsTail && length - lastTail >= BETWEEN_TAILS) {
                publishTail(cache, length, new float[0]);
            }
        });
    }

    /**
     * Keeps the end of a text that was read to its last token.
     *
     * @param others waits until those have done so who keep in the same folder meanwhile
     */
    Kept finished(KvCache cache, float[] logits, Runnable others) {
        attempt(() -> {
            publishPages(cache, CacheSizes.finalPages(layers, text.length, true));
            if (failure == null) {
                publishTail(cache, text.length, logits);
            }
        });
        others.run();
        requireThere();
        return new Kept(written, writtenBytes, Optional.ofNullable(failure));
    }

    /** Notes as a failure that something of the text is gone: another program that keeps other texts in the folder may have evicted it. */
    private void requireThere() {
        Path end = tail(published, text.length);
        boolean whole = KeptFolder.isThere(end)
                && IntStream.range(0, published).mapToObj(this::page).allMatch(KeptFolder::isThere);
        if (failure == null && !whole) {
            failure = new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "Something of this text is gone from " + folder.root()
                            + " again, as somebody else keeps other texts there: raise --cache-bytes, and read it again.");
        }
    }

    /** What is written to a disk. */
    @FunctionalInterface
    private interface Writing {
        void run() throws IOException;
    }

    private void attempt(Writing writing) {
        if (failure != null) {
            return;
        }
        try {
            writing.run();
        } catch (IOException e) {
            failure = folder.cannotKeep(e);
        }
    }

    private void publishPages(KvCache cache, int count) throws IOException {
        for (; published < count && hasRoom(CacheSizes.finalPageBytes(layers, published == 0)); published++) {
            int from = published * Page.TOKENS;
            int[] tokens = Arrays.copyOfRange(text, from, from + Page.TOKENS);
            long more = folder.publishPage(chain[0], from, chain[published], tokens, cache.pageMemory(published), used);
            written += more == 0 ? 0 : 1;
            held += more == 0 ? CacheSizes.finalPageBytes(layers, published == 0) : 0; // it was there
            added(more, 0);
        }
    }

    private void publishTail(KvCache cache, int length, float[] logits) throws IOException {
        boolean ends = logits.length > 0;
        List<MemorySegment> open = new ArrayList<>();
        for (int i = published; i * Page.TOKENS < length; i++) {
            open.add(cache.pageMemory(i));
        }
        int from = published * Page.TOKENS;
        try (var arena = Arena.ofConfined()) {
            if (ends) {
                open.add(cache.tailQueries(arena));
            }
            long more = open.stream().mapToLong(MemorySegment::byteSize).sum();
            if (!hasRoom(more - stopoverBytes)) { // which goes in its place
                return;
            }
            MemorySegment numbers = arena.allocate((long) Float.BYTES * logits.length, Float.BYTES);
            MemorySegment.copy(logits, 0, numbers, FLOAT, 0, logits.length);
            long tail = folder.publishTail(
                    chain[0],
                    from,
                    chain[published],
                    Arrays.copyOfRange(text, from, length),
                    cache.tailState(published, ends),
                    kept.description(fingerprint, text, length),
                    open,
                    numbers,
                    used);
            Path path = tail(published, length), before = stopover;
            if (before != null && !before.equals(path)) {
                Files.deleteIfExists(before);
            }
            added(tail, stopoverBytes);
            boolean stays = length - lastStaying >= Math.max(BETWEEN_TAILS, length / STAYING);
            stopover = stays || length == text.length ? null : path;
            stopoverBytes = stopover == null ? 0 : tail;
            lastStaying = stays ? length : lastStaying;
            lastTail = length;
        }
    }

    /** Whether the budget holds so many bytes beside what this text has; notes it as the reason if not. */
    private boolean hasRoom(long more) {
        long most = kept.afterEviction() / sharers;
        if (held + more <= most) {
            return true;
        }
        failure = new LecternException(
                LecternException.Kind.NO_SPACE,
                "This text takes more than " + most + " of the " + kept.maxBytes()
                        + " bytes that are kept at most, so only " + held
                        + " of it are kept: raise --cache-bytes, or choose a smaller --kv format.");
        return false;
    }

    /** Notes what was written, and what was deleted since. */
    private void added(long more, long gone) throws IOException {
        writtenBytes += more;
        held += more - gone;
        kept.added(more - gone);
    }

    /** The text's hash, that of its tail. */
    private Hash end() {
        int whole = CacheSizes.finalPages(layers, text.length, true);
        return chain[whole].then(text, whole * Page.TOKENS, text.length);
    }

    /**
     * Takes the index of a method from the disk into a cache that holds the whole text.
     *
     * @return why there is none, as half a sentence; empty if it was taken
     */
    Optional<String> loadIndex(Indexed method, KvCache cache) {
        String why = "it was not kept before, or was evicted";
        for (String name : method.keptNames(cache)) {
            Path path = folder.index(text.length, end(), name + INDEXES);
            boolean isThere = KeptFolder.isThere(path);
            Optional<KeptFile> opened = folder.open(path);
            if (opened.isPresent()) {
                KeptFile file = opened.get();
                try {
                    if (!file.isIndex(chain[0], end(), text.length, name + INDEXES)) {
                        throw new IllegalArgumentException("it holds something else than its name says");
                    }
                    method.restore(
                            cache, file.state(), new MappedBytes(file.payload(), file.arena(), path, file.fileBytes()));
                    KeptFolder.touch(path, used);
                    held += file.fileBytes();
                    return Optional.empty();
                } catch (IllegalArgumentException e) {
                    file.close();
                    folder.discard(path, String.valueOf(e.getMessage()));
                }
            }
            why = isThere ? "what was kept of it was damaged" : why;
        }
        return Optional.of(why);
    }

    /** Keeps the index that a method has of the text; never fails. */
    Kept keepIndex(Indexed method, KvCache cache) {
        long before = writtenBytes;
        Optional<String> name = method.keptName(cache);
        Optional<CacheIndex.Image> image = method.image(cache);
        if (name.isPresent() && image.isPresent()) {
            List<MemorySegment> parts = image.get().parts();
            attempt(() -> {
                if (hasRoom(parts.stream().mapToLong(MemorySegment::byteSize).sum())) {
                    int[] state = image.get().state();
                    added(
                            folder.publishIndex(chain[0], text.length, end(), name.get() + INDEXES, state, parts, used),
                            0);
                }
            });
        }
        return new Kept(0, writtenBytes - before, Optional.ofNullable(failure));
    }

    /** The file names without which nothing of the text is left: of the end, and of the first page where there is one. */
    List<String> files() {
        int whole = CacheSizes.finalPages(layers, text.length, true);
        List<String> names = new ArrayList<>();
        names.add(String.valueOf(tail(whole, text.length).getFileName()));
        names.add(whole > 0 ? String.valueOf(page(0).getFileName()) : "");
        return names;
    }
}
