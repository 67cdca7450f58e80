package dev.lectern.cli;

import dev.lectern.AttentionShape;
import dev.lectern.Passage;
import dev.lectern.PassageReading;
import dev.lectern.text.Detokenizer;
import dev.lectern.text.Tokenizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/** The passages of a prompt's documents, and which of them an answer read most. */
final class Passages {
    private final List<Passage> passages = new ArrayList<>();
    private final List<Place> places = new ArrayList<>(); // of passages
    private final int most;

    /**
     * Where a passage stands in its document's text, as the model reads it.
     *
     * @param from its first character that is not blank
     * @param line of that, from 1 on
     */
    private record Place(String document, int from, int line, String text) {
        /** @param heading what the document is introduced by, which is none of its text */
        static Place of(String document, String heading, Passage passage) {
            int cut = Math.clamp(
                    heading.length() - passage.firstCharacter(),
                    0,
                    passage.text().length());
            String own = passage.text().substring(cut), text = own.stripLeading();
            cut += own.length() - text.length();
            int line = passage.line() + lines(passage.text().substring(0, cut)) - lines(heading);
            return new Place(document, passage.firstCharacter() + cut - heading.length(), line, text.strip());
        }

        private static int lines(String text) {
            return (int) text.chars().filter(c -> c == '\n').count();
        }
    }

    /**
     * A passage that an answer read.
     *
     * @param from its first character in the document's text, as the model reads it (UTF-16 units)
     * @param to after its last
     * @param mass of the answer's reading, per cent
     */
    record Read(String document, int from, int to, int line, double mass, String text) {
        /** As the contract names them. */
        Map<String, Object> members() {
            Map<String, Object> members = new LinkedHashMap<>();
            members.put("document", document);
            members.put("from", from);
            members.put("to", to);
            members.put("line", line);
            members.put("mass", Math.round(mass * 100) / 100.0);
            members.put("text", text);
            return members;
        }
    }

    private Passages(int most) {
        this.most = most;
    }

    /**
     * Cuts the documents of a prompt.
     *
     * @param names of the documents
     * @param most how many passages are wanted of an answer
     */
    static Passages of(Tokenizer tokenizer, Prompt prompt, List<String> names, int most) {
        Passages all = new Passages(most);
        int[] begins = begins(tokenizer, prompt, names);
        for (int i = 0; i < names.size(); i++) {
            String heading = names.size() == 1 ? "" : Wording.heading(names.get(i));
            for (Passage passage : Passage.of(tokenizer, prompt.tokens(), begins[i], begins[i + 1])) {
                all.passages.add(passage);
                all.places.add(Place.of(names.get(i), heading, passage));
            }
        }
        return all;
    }

    /** The first token of each document, found by what introduces it, and the token after the last. */
    private static int[] begins(Tokenizer tokenizer, Prompt prompt, List<String> names) {
        int first = prompt.documents(), end = prompt.shared();
        int[] characters = new int[end - first];
        StringBuilder text = new StringBuilder();
        Detokenizer detokenizer = Detokenizer.ofContinuation(tokenizer);
        for (int t = first; t < end; t++) {
            characters[t - first] = text.length();
            text.append(detokenizer.next(prompt.tokens()[t]));
        }
        int[] begins = new int[names.size() + 1];
        begins[0] = first;
        int at = 0;
        for (int i = 1; i < names.size(); i++) {
            int found = text.indexOf(Wording.heading(names.get(i)), at + 1);
            at = found < 0 ? text.length() : found;
            int heading = at;
            begins[i] = first
                    + (int) IntStream.of(characters)
                            .takeWhile(start -> start < heading)
                            .count();
        }
        begins[names.size()] = end;
        return begins;
    }

    /** For an answer that has not begun. */
    PassageReading unread(AttentionShape shape) {
        return new PassageReading(shape, passages);
    }

    /** The passages that an answer read most, and how much. */
    List<Read> most(PassageReading reading) {
        double[] masses = reading.masses();
        return IntStream.range(0, masses.length)
                .filter(i -> masses[i] > 0)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer i) -> -masses[i]))
                .limit(most)
                .map(i -> {
                    Place place = places.get(i);
                    int end = place.from + place.text.length();
                    return new Read(place.document, place.from, end, place.line, 100 * masses[i], place.text);
                })
                .toList();
    }

    /** For people. */
    static String text(List<Read> reading) {
        StringBuilder text = new StringBuilder("\nWhat the answer read of the documents:\n");
        for (Read read : reading) {
            text.append(String.format(
                    Locale.ROOT,
                    "%3.0f %%  %s, line %d: \"%s\"\n",
                    read.mass,
                    read.document,
                    read.line,
                    read.text.replaceAll("\\s+", " ")));
        }
        return text.toString();
    }
}
