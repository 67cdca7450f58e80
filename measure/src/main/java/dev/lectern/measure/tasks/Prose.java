package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Prose without end, from a grammar: people of a small country go about their days. No two paragraphs are alike, nothing is a needle of any task, and it is the same on every machine.
 */
public final class Prose implements Haystack {
    private static final List<String> PEOPLE = List.of(
            "the old ferryman",
            "the schoolmistress",
            "a travelling glazier",
            "the miller's daughter",
            "the young doctor",
            "a retired captain",
            "the keeper of the lock",
            "the postman",
            "a widow from the upper street",
            "the bell founder",
            "the apothecary",
            "two brothers who repaired nets",
            "the new librarian",
            "the gardener",
            "a painter of signs",
            "the baker's apprentice",
            "the woman who kept bees",
            "a surveyor from the capital",
            "the organist",
            "the shepherd from the far hill",
            "the innkeeper",
            "an engineer of the waterworks");
    private static final List<String> PLACES = List.of(
            "the market square",
            "the long pier",
            "the mill pond",
            "the orchard behind the chapel",
            "the reading room",
            "the toll house",
            "the ridge above the valley",
            "the boat yard",
            "the narrow lane",
            "the railway halt",
            "the courtyard of the inn",
            "the weir",
            "the school garden",
            "the quarry",
            "the stone stairs",
            "the lower meadow",
            "the workshop",
            "the hall of the guild",
            "the water tower",
            "the edge of the wood");
    private static final List<String> THINGS = List.of(
            "a basket of pears",
            "an unfinished letter",
            "a brass telescope",
            "the minutes of the last meeting",
            "a bundle of reeds",
            "the broken hinge",
            "a map of the drains",
            "three borrowed chairs",
            "a jar of honey",
            "the winter accounts",
            "a coil of rope",
            "a ladder that was too short",
            "the best of the linen",
            "a lamp without oil",
            "a book about weather",
            "the key to the granary",
            "a cart with one new wheel",
            "a crate of window panes",
            "an old quarrel",
            "the plans for a footbridge");
    private static final List<String> TIMES = List.of(
            "in the morning",
            "before the rain came",
            "towards evening",
            "on the first dry day of the month",
            "after the harvest",
            "when the bells had stopped",
            "a little later",
            "that winter",
            "in the week of the fair",
            "as soon as the ice was gone",
            "while the others slept",
            "at noon",
            "in those years",
            "before anyone was up");
    private static final List<String> WEATHERS = List.of(
            "the fog lay low over the water",
            "a dry wind came down from the hills",
            "it had rained since the night",
            "the air smelled of cut grass",
            "snow was still lying in the ditches",
            "the light was already going",
            "the heat kept everyone indoors",
            "the clouds moved fast and gave nothing",
            "the river stood high");
    private static final List<String> DOINGS = List.of(
            "counted the steps twice",
            "spoke of nothing else",
            "waited by the gate",
            "walked home the long way",
            "asked for more time",
            "sold the last of it",
            "wrote everything down",
            "changed the subject",
            "kept the window open",
            "laughed, and then did not",
            "lent a hand where it was needed",
            "went to see for themselves",
            "found the door locked",
            "said that it could be mended",
            "thought of the sea",
            "paid in small coins",
            "listened to the end");
    private static final List<String> OPINIONS = List.of(
            "Nobody could say who had begun it.", "It was not the first time, and it would not be the last.",
            "What is done slowly is seldom done twice.", "There was work enough for all who wanted it.",
            "A good roof is worth more than a good view.", "Of all this the newspaper printed two lines.",
            "The children made a game of it.", "Some things are easier to carry than to explain.",
            "For a while that settled the matter.", "The answer came by the next post.",
            "So the year turned, as years do.", "One gets used to the sound of water.");

    /** What sentences are made of: each %-letter stands for a word of a list. */
    private static final List<String> SENTENCES = List.of(
            "%I %p carried %t to %l.",
            "%P %d, although %w.",
            "At %l %p and %p talked about %t.",
            "Because %w, %p stayed at %l and %d.",
            "%P had left %t at %l, where %p found it %i.",
            "%I one could see from %l how %p %d.",
            "When %p heard of %t, there was a silence at %l.",
            "%P %d; %p %d.",
            "It was said that %p had once exchanged %t for %t.",
            "From %l to %l it is a quarter of an hour on foot, but %p took the whole morning.",
            "%I %w, and %p %d.",
            "Nobody at %l remembered %t as well as %p did.",
            "%P looked for %t, first at %l and then at %l.",
            "If %p had not come to %l %i, %t would have been forgotten.",
            "While %w, %p brought %t back and %d.",
            "There was room at %l for %t, but not for what %p had in mind.");

    @Override
    public String name() {
        return "generated prose";
    }

    @Override
    public List<String> sentences(long seed, int words) {
        Random random = new Random(seed);
        List<String> sentences = new ArrayList<>();
        int left = words;
        while (left > 0) {
            String sentence = random.nextInt(6) == 0 ? Lexicon.one(random, OPINIONS) : sentence(random);
            String[] parts = sentence.split(" ");
            sentences.add(
                    parts.length <= left
                            ? sentence
                            : String.join(" ", Arrays.asList(parts).subList(0, left)));
            left -= parts.length;
        }
        return sentences;
    }

    private static String sentence(Random random) {
        String form = Lexicon.one(random, SENTENCES);
        StringBuilder sentence = new StringBuilder();
        for (int i = 0; i < form.length(); i++) {
            if (form.charAt(i) != '%') {
                sentence.append(form.charAt(i));
                continue;
            }
            char kind = form.charAt(++i);
            String part = Lexicon.one(random, words(Character.toLowerCase(kind)));
            boolean begins = Character.isUpperCase(kind);
            sentence.append(begins ? Character.toUpperCase(part.charAt(0)) + part.substring(1) : part);
            if (kind == 'I') {
                sentence.append(',');
            }
        }
        return sentence.toString();
    }

    private static List<String> words(char kind) {
        return switch (kind) {
            case 'p' -> PEOPLE;
            case 'l' -> PLACES;
            case 't' -> THINGS;
            case 'i' -> TIMES;
            case 'w' -> WEATHERS;
            case 'd' -> DOINGS;
            default -> throw new IllegalStateException("a sentence with %" + kind);
        };
    }
}
