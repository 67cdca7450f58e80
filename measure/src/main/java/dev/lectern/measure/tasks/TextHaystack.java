package dev.lectern.measure.tasks;

import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The prose of a file. Every sample begins at its beginning, as RULER's do. */
public final class TextHaystack implements Haystack {
    private final String name;
    private final String[] words;

    /**
     * @param name of the file
     * @throws LecternException of kind {@code BAD_OPTION} if the text has no words
     */
    public TextHaystack(String name, String text) {
        // Another text under the same name is another haystack.
        this.name = "%s (%08x)".formatted(name, text.hashCode());
        words = text.strip().split("\\s+");
        if (words[0].isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--haystack " + name + " has no words in it: name a text.");
        }
    }

    /** How many words it has. */
    public int words() {
        return words.length;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public List<String> sentences(long seed, int count) {
        String[] some = new String[count];
        Arrays.setAll(some, i -> words[i % words.length]);
        List<String> sentences = new ArrayList<>();
        int begin = 0;
        for (int i = 0; i < count; i++) {
            if (i + 1 == count || some[i].matches(".*[.!?][\"')\\]”’]*")) {
                sentences.add(String.join(" ", Arrays.asList(some).subList(begin, i + 1)));
                begin = i + 1;
            }
        }
        return sentences;
    }
}
