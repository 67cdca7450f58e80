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
        static Place of(String document, Passage passage) {
            String text = passage.text().stripLeading();
            String blank = passage.text().substring(0, passage.text().length() - text.length());
            int lines = (int) blank.chars().filter(c -> c == '\n').count();
            return new Place(document, passage.firstCharacter() + blank.length(), passage.line() + lines, text.strip());
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
     * Cuts the documents of a prompt. What introduces a document is none of it.
     *
     * @param names of the documents
     * @param most how many passages are wanted of an answer
     */
    static Passages of(Tokenizer tokenizer, Prompt prompt, List<String> names, int most) {
        int first = prompt.documents();
        int[] characters = new int[prompt.shared() - first]; // where tokens begin
        StringBuilder text = new StringBuilder();
        Detokenizer detokenizer = Detokenizer.ofContinuation(tokenizer);
        for (int i = 0; i < characters.length; i++) {
            characters[i] = text.length();
            text.append(detokenizer.next(prompt.tokens()[first + i]));
        }
        Passages all = new Passages(most);
        List<String> headings = names.stream()
                .map(name -> names.size() == 1 ? "" : Wording.heading(name))
                .toList();
        int at = place(text, headings.getFirst(), 0);
        for (int i = 0; i < names.size(); i++) {
            int begin = Math.min(at + headings.get(i).length(), text.length());
            at = i + 1 < names.size() ? place(text, headings.get(i + 1), begin) : text.length();
            int from = first + tokensBefore(characters, begin), to = first + tokensBefore(characters, at);
            for (Passage passage : Passage.of(tokenizer, prompt.tokens(), from, to)) {
                all.passages.add(passage);
                all.places.add(Place.of(names.get(i), passage));
            }
        }
        return all;
    }

    /** Where a heading stands; the end of the text if the model's template left it out. */
    private static int place(StringBuilder text, String heading, int from) {
        int found = text.indexOf(heading, from);
        return found < 0 ? text.length() : found;
    }

    private static int tokensBefore(int[] characters, int character) {
        return (int)
                IntStream.of(characters).takeWhile(start -> start < character).count();
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
