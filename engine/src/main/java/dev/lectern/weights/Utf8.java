package dev.lectern.weights;

/** Well-formed UTF-8, as table 3-7 of the Unicode Standard defines it. */
final class Utf8 {
    private Utf8() {}

    static boolean isWellFormed(byte[] bytes, int from, int to) {
        for (int i = from; i < to; ) {
            int lead = bytes[i++];
            if (lead >= 0) {
                continue;
            }
            int length = lead >= (byte) 0xF0 ? 3 : lead >= (byte) 0xE0 ? 2 : 1; // bytes that follow
            if (lead < (byte) 0xC2 || lead > (byte) 0xF4 || length > to - i) {
                return false;
            }
            int second = bytes[i] & 0xFF;
            int least = lead == (byte) 0xE0 ? 0xA0 : lead == (byte) 0xF0 ? 0x90 : 0x80; // shorter forms exist
            int most = lead == (byte) 0xED ? 0x9F : lead == (byte) 0xF4 ? 0x8F : 0xBF; // surrogates, beyond U+10FFFF
            if (second < least || second > most) {
                return false;
            }
            for (int k = 1; k < length; k++) {
                if ((bytes[i + k] & 0xC0) != 0x80) {
                    return false;
                }
            }
            i += length;
        }
        return true;
    }
}
