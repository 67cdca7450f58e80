package dev.lectern.measure.tasks;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;

/**
 * Questions about facts in one of many documents, or in two of which one leads to the other. In RULER the documents are paragraphs of SQuAD and HotpotQA; here they are made up, so that no
 * model has seen them, about towns and people that do not exist. Each fact stands in one document alone.
 *
 * <p>Source of the form: Hsieh et al., "RULER" (arXiv 2404.06654), section 3.4, tasks qa_1 and qa_2; the templates are those of its published generator. Size counts sentences of
 * documents; the last document may have lost some.
 */
record FactQuestions(String name, boolean twoDocuments) implements Task {
    private static final String INSTRUCTION =
            "Answer the question based on the given documents. Only give me the answer and do not output any other"
                    + " words.\n\n";

    private static final List<String> BEGINNINGS = List.of(
            "Bra", "Cal", "Dor", "El", "Fen", "Gar", "Hal", "Ist", "Jor", "Kel", "Lun", "Mar", "Nor", "Os", "Pel",
            "Quin", "Ros", "Sel", "Tar", "Ul", "Ver", "Wes", "Yar", "Zan");
    private static final List<String> MIDDLES = List.of(
            "a", "be", "co", "di", "e", "fa", "go", "i", "ka", "le", "mi", "no", "o", "pa", "ri", "sa", "to", "u", "vi",
            "we");
    private static final List<String> TOWN_ENDS =
            List.of("bridge", "bury", "dale", "ford", "gate", "ham", "haven", "mouth", "stead", "ton", "well", "wick");
    private static final List<String> NAME_ENDS =
            List.of("bert", "dan", "dine", "lia", "lin", "mar", "nor", "ric", "sa", "than", "vin", "wyn");
    private static final List<String> RIVER_ENDS = List.of("nne", "sk", "rre");
    private static final List<String> FIRST_NAMES = List.of(
            "Ada", "Bruno", "Clara", "Dario", "Edith", "Felix", "Greta", "Hugo", "Irma", "Jonas", "Karla", "Leon",
            "Mira", "Nils", "Olga", "Piet", "Rosa", "Simon", "Thea", "Viktor");
    private static final List<String> TRADES = List.of(
            "baker",
            "bookbinder",
            "carpenter",
            "clockmaker",
            "cooper",
            "glazier",
            "gardener",
            "midwife",
            "notary",
            "organist",
            "potter",
            "saddler",
            "surveyor",
            "weaver");

    @Override
    public int answerTokens() {
        return 32;
    }

    @Override
    public Scoring scoring() {
        return Scoring.ANY;
    }

    @Override
    public int smallest() {
        return 20;
    }

    /**
     * A document about a town, and a question.
     *
     * @param question with a gap for the town
     */
    private record Town(String name, List<String> document, String question, String answer) {}

    /** A document about somebody, which says where she or he was born. */
    private record Person(String name, List<String> document) {}

    @Override
    public Sample sample(Random random, int size, Haystack haystack) {
        Set<String> known = Lexicon.nothingKnown();
        Town town = town(random, known);
        List<List<String>> documents = new ArrayList<>(List.of(town.document));
        String question = town.question.formatted(town.name);
        if (twoDocuments) {
            Person person = person(random, known, town.name);
            documents.add(person.document);
            question = town.question.formatted("the town where " + person.name + " was born");
        }
        long order = random.nextLong();
        int left = size - documents.stream().mapToInt(List::size).sum();
        while (left > 0) {
            boolean aboutPerson = twoDocuments && random.nextBoolean();
            List<String> other = aboutPerson
                    ? person(random, known, townName(random, known)).document
                    : town(random, known).document;
            documents.add(other.subList(0, Math.min(left, other.size())));
            left -= other.size();
        }
        // The last, which may be cut, stays the last; the others trade places.
        Collections.shuffle(documents.subList(0, documents.size() - 1), new Random(order));
        StringBuilder text = new StringBuilder(INSTRUCTION + "The following are given documents.\n\n");
        for (int i = 0; i < documents.size(); i++) {
            text.append("Document ").append(i + 1).append(":\n");
            text.append(String.join(" ", documents.get(i))).append("\n\n");
        }
        return new Sample(text.toString(), INSTRUCTION + "Question: " + question, " Answer:", List.of(town.answer));
    }

    private static String invented(Random random, int middles, List<String> ends) {
        StringBuilder name = new StringBuilder(Lexicon.one(random, BEGINNINGS));
        for (int i = 0; i < middles; i++) {
            name.append(Lexicon.one(random, MIDDLES));
        }
        return name + Lexicon.one(random, ends);
    }

    private static String townName(Random random, Set<String> known) {
        return Lexicon.another(known, middles -> invented(random, middles, TOWN_ENDS));
    }

    private static String personName(Random random, Set<String> known) {
        String family = Lexicon.another(known, middles -> invented(random, middles, NAME_ENDS));
        return Lexicon.one(random, FIRST_NAMES) + " " + family;
    }

    private static String year(Random random, Set<String> known) {
        return Lexicon.another(known, length -> year(random, length));
    }

    /** Four digits, or more. */
    private static String year(Random random, int length) {
        int least = 1000;
        for (int i = 1; i < length; i++) {
            least = Math.multiplyExact(least, 10);
        }
        return Integer.toString(least + random.nextInt(Math.multiplyExact(9, least)));
    }

    private static Town town(Random random, Set<String> known) {
        String town = townName(random, known);
        String founded = year(random, known),
                river = Lexicon.another(known, middles -> invented(random, middles, RIVER_ENDS));
        String mayor = personName(random, known), builder = personName(random, known);
        String people = year(random, known);
        List<String> document = List.of(
                town + " is a town on the river " + river + ".",
                "By its own calendar it was founded in the year " + founded + ".",
                "Its mayor is " + mayor + ", who was a " + Lexicon.one(random, TRADES) + " before.",
                "The stone bridge of " + town + " was built by " + builder + ".",
                "At the last count " + people + " people lived there.",
                "On market days the square is full, and in winter it is quiet.");
        String[][] asked = {
            {"On which river does %s lie?", river},
            {"In which year of its own calendar was %s founded?", founded},
            {"Who is the mayor of %s?", mayor},
            {"Who built the stone bridge of %s?", builder},
            {"How many people lived in %s at the last count?", people}
        };
        String[] one = asked[random.nextInt(asked.length)];
        return new Town(town, document, one[0], one[1]);
    }

    private static Person person(Random random, Set<String> known, String birthplace) {
        String name = personName(random, known);
        List<String> document = List.of(
                name + " is a " + Lexicon.one(random, TRADES) + ".",
                name + " was born in " + birthplace + " and left it at the age of " + (12 + random.nextInt(20)) + ".",
                "After some years of travel came a workshop with a blue door, and apprentices.",
                "On Sundays " + name + " mends clocks for the neighbours.");
        return new Person(name, document);
    }
}
