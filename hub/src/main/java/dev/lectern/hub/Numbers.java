package dev.lectern.hub;

import java.util.Locale;

/** Numbers as they stand in sentences. */
final class Numbers {
    private Numbers() {}

    /** The number with a blank before every three digits: {@code 98 362 432}. */
    static String grouped(long number) {
        return String.format(Locale.ROOT, "%,d", number).replace(',', ' ');
    }
}
