package dev.lectern.text.jinja;

import java.util.ArrayList;
import java.util.List;

/**
 * A string that knows where its characters came from. Characters that the template wrote itself have no origin; those of
 * a message have one, and keep it through every string operation of the template. So what a template makes of a
 * conversation is its plain rendering, and yet no character of a document can pass for one of the template's.
 *
 * <p>Two texts are equal if their characters are, and in the order of their code points; with an order, a dict whose keys
 * were made to have one hash is still searched fast.
 */
public final class Text implements Comparable<Text> {
    /** The part number of characters that are neither the template's nor those of a numbered part. */
    public static final int FOREIGN = -1;

    /**
     * A stretch that did not come from the template.
     *
     * @param start first character in this text
     * @param end after the last character in this text
     * @param part which input it came from, or {@link #FOREIGN}
     * @param offset where it stood there
     * @param exact whether character {@code start + i} is character {@code offset + i} of the part; otherwise all of them
     *     stand for the one at {@code offset}
     */
    public record Run(int start, int end, int part, int offset, boolean exact) {
        private Run shifted(int by) {
            return new Run(start + by, end + by, part, offset, exact);
        }
    }

    static final Text EMPTY = new Text("", List.of());

    private final String chars;
    private final List<Run> runs;

    private Text(String chars, List<Run> runs) {
        this.chars = chars;
        this.runs = runs;
    }

    /** Text of the template itself. */
    public static Text of(String chars) {
        return new Text(chars, List.of());
    }

    /** Text of one input. */
    public static Text from(String chars, int part) {
        return chars.isEmpty() ? EMPTY : new Text(chars, List.of(new Run(0, chars.length(), part, 0, true)));
    }

    /** The inputs one after the other, as one text. */
    public static Text joined(List<Text> texts) {
        StringBuilder all = new StringBuilder();
        List<Run> runs = new ArrayList<>();
        for (Text text : texts) {
            for (Run run : text.runs) {
                runs.add(run.shifted(all.length()));
            }
            all.append(text.chars);
        }
        return new Text(all.toString(), List.copyOf(runs));
    }

    public String chars() {
        return chars;
    }

    /** The stretches that are not the template's, in order, without overlap. */
    public List<Run> runs() {
        return runs;
    }

    public int length() {
        return chars.length();
    }

    boolean isEmpty() {
        return chars.isEmpty();
    }

    Text substring(int start, int end) {
        if (start == 0 && end == chars.length()) {
            return this;
        }
        if (start >= end) {
            return EMPTY;
        }
        if (runs.isEmpty()) {
            return new Text(chars.substring(start, end), runs);
        }
        List<Run> cut = new ArrayList<>();
        for (int i = firstRun(start); i < runs.size() && runs.get(i).start < end; i++) {
            Run run = runs.get(i);
            int from = Math.max(run.start, start);
            int to = Math.min(run.end, end);
            if (from < to) {
                int offset = run.exact ? run.offset + (from - run.start) : run.offset;
                cut.add(new Run(from - start, to - start, run.part, offset, run.exact));
            }
        }
        return new Text(chars.substring(start, end), List.copyOf(cut));
    }

    /** Index of the first run that ends behind a character. */
    private int firstRun(int index) {
        int low = 0;
        int high = runs.size();
        while (low < high) {
            int middle = (low + high) >>> 1;
            if (runs.get(middle).end <= index) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Other characters, as many, of the same origins. */
    Text withChars(String replaced) {
        return new Text(replaced, runs);
    }

    /** Number of characters as Python counts them: code points. */
    int codePoints() {
        return chars.codePointCount(0, chars.length());
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Text text && chars.equals(text.chars);
    }

    @Override
    public int compareTo(Text other) {
        return Strings.compare(chars, other.chars);
    }

    @Override
    public int hashCode() {
        return chars.hashCode();
    }

    @Override
    public String toString() {
        return chars;
    }

    /** Puts texts together within a budget. */
    static final class Builder {
        private final Budget budget;
        private final StringBuilder chars = new StringBuilder();
        private final List<Run> runs = new ArrayList<>();

        Builder(Budget budget) {
            this.budget = budget;
        }

        Builder append(Text text) {
            return append(text, 0, text.length());
        }

        Builder append(Text text, int start, int end) {
            budget.chars((long) end - start);
            int shift = chars.length() - start;
            for (int i = text.firstRun(start); i < text.runs.size() && text.runs.get(i).start < end; i++) {
                Run run = text.runs.get(i);
                int from = Math.max(run.start, start);
                int to = Math.min(run.end, end);
                if (from < to) {
                    int offset = run.exact ? run.offset + (from - run.start) : run.offset;
                    add(new Run(from + shift, to + shift, run.part, offset, run.exact));
                }
            }
            chars.append(text.chars, start, end);
            return this;
        }

        Builder append(String own) {
            budget.chars(own.length());
            chars.append(own);
            return this;
        }

        /** Appends characters that stand for one character of a text and share its origin. */
        Builder appendFor(String replacement, Text text, int index) {
            budget.chars(replacement.length());
            budget.steps(1);
            int found = text.firstRun(index);
            if (found < text.runs.size()) {
                Run run = text.runs.get(found);
                if (run.start <= index) {
                    int offset = run.exact ? run.offset + (index - run.start) : run.offset;
                    int at = chars.length();
                    add(new Run(at, at + replacement.length(), run.part, offset, replacement.length() == 1));
                }
            }
            chars.append(replacement);
            return this;
        }

        private void add(Run run) {
            if (run.start == run.end) {
                return;
            }
            if (!runs.isEmpty()) {
                Run last = runs.getLast();
                boolean continues = last.exact && run.exact && last.offset + (last.end - last.start) == run.offset;
                boolean repeats = !last.exact && !run.exact && last.offset == run.offset;
                if (last.end == run.start && last.part == run.part && (continues || repeats)) {
                    runs.set(runs.size() - 1, new Run(last.start, run.end, last.part, last.offset, last.exact));
                    return;
                }
            }
            budget.steps(1);
            runs.add(run);
        }

        int length() {
            return chars.length();
        }

        Text text() {
            return chars.isEmpty() ? EMPTY : new Text(chars.toString(), List.copyOf(runs));
        }
    }
}
