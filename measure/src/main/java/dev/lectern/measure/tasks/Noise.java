package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.List;

/** The text of RULER that says nothing, five sentences a line. */
final class Noise {
    private static final List<String> SENTENCES = List.of(
            "The grass is green.", "The sky is blue.", "The sun is yellow.", "Here we go.", "There and back again.");

    private Noise() {}

    /** Lines of so many sentences; the last line may have fewer than five. */
    static List<String> lines(int sentences) {
        List<String> lines = new ArrayList<>();
        for (int left = sentences; left > 0; left -= SENTENCES.size()) {
            lines.add(String.join(" ", SENTENCES.subList(0, Math.min(left, SENTENCES.size()))));
        }
        return lines;
    }
}
