package dev.lectern.text;

import java.util.Arrays;

/**
 * Non-negative longs to non-negative ints: open addressing, linear probing, at most half full. Where a key goes depends on
 * a number drawn when the program starts, so that a crafted vocabulary cannot make its keys meet.
 */
final class LongIntMap {
    static final int ABSENT = -1;

    private static final long FREE = -1;
    private static final long SALT = System.nanoTime() * 0x9E3779B97F4A7C15L;

    private long[] keys;
    private int[] values;
    private int size;

    /** @param expected how many keys fit before the map has to grow */
    LongIntMap(int expected) {
        int capacity = Integer.highestOneBit(Math.clamp(expected, 4, 1 << 28)) * 4;
        keys = new long[capacity];
        values = new int[capacity];
        Arrays.fill(keys, FREE);
    }

    /** Two non-negative ints as one key. */
    static long pair(int first, int second) {
        return (long) first << 32 | second;
    }

    int size() {
        return size;
    }

    /** The value of a key, or {@link #ABSENT}. */
    int get(long key) {
        int mask = keys.length - 1;
        for (int slot = slot(key, mask); ; slot = (slot + 1) & mask) {
            long found = keys[slot];
            if (found == key) {
                return values[slot];
            }
            if (found == FREE) {
                return ABSENT;
            }
        }
    }

    /** Sets the value of a key, replacing an earlier one. */
    void put(long key, int value) {
        if (size >= keys.length / 2) {
            grow();
        }
        int mask = keys.length - 1;
        int slot = slot(key, mask);
        while (keys[slot] != FREE && keys[slot] != key) {
            slot = (slot + 1) & mask;
        }
        if (keys[slot] == FREE) {
            keys[slot] = key;
            size++;
        }
        values[slot] = value;
    }

    private void grow() {
        long[] oldKeys = keys;
        int[] oldValues = values;
        keys = new long[Math.multiplyExact(oldKeys.length, 2)];
        values = new int[keys.length];
        Arrays.fill(keys, FREE);
        size = 0;
        for (int i = 0; i < oldKeys.length; i++) {
            if (oldKeys[i] != FREE) {
                put(oldKeys[i], oldValues[i]);
            }
        }
    }

    /** The finaliser of MurmurHash3: every bit of the key reaches every bit of the slot. */
    private static int slot(long key, int mask) {
        long h = key ^ SALT;
        h = (h ^ h >>> 33) * 0xFF51AFD7ED558CCDL;
        h = (h ^ h >>> 33) * 0xC4CEB9FE1A85EC53L;
        return (int) (h ^ h >>> 33) & mask;
    }
}
