package dev.lectern.text;

import java.util.Arrays;

/**
 * Byte-pair encoding of one word: of all neighbouring pairs the one that was learnt first is joined, the leftmost of
 * equals, until no pair is known. Symbols form a linked list and candidate pairs a binary heap, so n symbols take n log n
 * steps. Belongs to one thread; its room is reused from word to word.
 *
 * <p>Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units", ACL 2016 (arXiv 1508.07909),
 * with the order of joins as in Hugging Face {@code tokenizers}.
 */
final class Merger {
    private static final int NONE = -1;

    private final Merges merges;
    private int count;
    private int[] ids = new int[64];
    private int[] starts = new int[64];
    private int[] previous = new int[64];
    private int[] next = new int[64];
    private long[] heap = new long[192]; // rank in the high half, symbol in the low half
    private int heapSize;

    Merger(Merges merges) {
        this.merges = merges;
    }

    void clear() {
        count = 0;
    }

    /** Appends a symbol that begins at a place of the text. */
    void add(int id, int start) {
        if (count == ids.length) {
            int longer = Math.multiplyExact(count, 2);
            ids = Arrays.copyOf(ids, longer);
            starts = Arrays.copyOf(starts, longer);
            previous = new int[longer];
            next = new int[longer];
        }
        ids[count] = id;
        starts[count] = start;
        count++;
    }

    /** Joins what can be joined; afterwards {@link #count}, {@link #id} and {@link #start} speak of the tokens. */
    void merge() {
        if (count < 2) {
            return;
        }
        heapSize = 0;
        for (int i = 0; i < count; i++) {
            previous[i] = i - 1;
            next[i] = i + 1 < count ? i + 1 : NONE;
            offer(i);
        }
        while (heapSize > 0) {
            long top = poll();
            int rank = (int) (top >>> 32);
            int left = (int) top;
            int right = ids[left] == NONE ? NONE : next[left];
            if (right == NONE) {
                continue;
            }
            int now = merges.rank(ids[left], ids[right]);
            if (now == LongIntMap.ABSENT || merges.joined(now) != merges.joined(rank)) {
                continue;
            }
            ids[left] = merges.joined(now);
            ids[right] = NONE;
            next[left] = next[right];
            if (next[right] != NONE) {
                previous[next[right]] = left;
            }
            if (previous[left] != NONE) {
                offer(previous[left]);
            }
            offer(left);
        }
        int kept = 0;
        for (int i = 0; i != NONE; i = next[i]) {
            ids[kept] = ids[i];
            starts[kept] = starts[i];
            kept++;
        }
        count = kept;
    }

    int count() {
        return count;
    }

    int id(int index) {
        return ids[index];
    }

    int start(int index) {
        return starts[index];
    }

    /** Puts the pair that a symbol makes with its neighbour on the heap, if it is known. */
    private void offer(int left) {
        int right = next[left];
        if (right == NONE) {
            return;
        }
        int rank = merges.rank(ids[left], ids[right]);
        if (rank == LongIntMap.ABSENT) {
            return;
        }
        if (heapSize == heap.length) {
            heap = Arrays.copyOf(heap, Math.multiplyExact(heapSize, 2));
        }
        long entry = LongIntMap.pair(rank, left);
        int place = heapSize++;
        while (place > 0 && heap[(place - 1) >>> 1] > entry) {
            heap[place] = heap[(place - 1) >>> 1];
            place = (place - 1) >>> 1;
        }
        heap[place] = entry;
    }

    private long poll() {
        long least = heap[0];
        long last = heap[--heapSize];
        int place = 0;
        for (int child = 1; child < heapSize; child = 2 * place + 1) {
            if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
                child++;
            }
            if (heap[child] >= last) {
                break;
            }
            heap[place] = heap[child];
            place = child;
        }
        heap[place] = last;
        return least;
    }
}
