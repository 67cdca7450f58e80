package dev.lectern.generate;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lectern.text.Thinking;
import dev.lectern.text.ThinkingSplitter;
import dev.lectern.text.Tokenizer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AnswerTextTest {
    /** Tokens are what the test says; only their bytes are known. */
    private record Pieces(List<byte[]> pieces) implements Tokenizer {
        static Pieces of(String... pieces) {
            return new Pieces(Arrays.stream(pieces)
                    .map(piece -> piece.getBytes(StandardCharsets.UTF_8))
                    .toList());
        }

        @Override
        public int size() {
            return pieces.size();
        }

        @Override
        public byte[] bytes(int token) {
            return pieces.get(token);
        }

        @Override
        public Encoding encode(String text, boolean parseSpecial) {
            throw new UnsupportedOperationException();
        }

        @Override
        public String written(int token) {
            throw new UnsupportedOperationException();
        }

        @Override
        public OptionalInt token(String written) {
            return OptionalInt.empty();
        }

        @Override
        public boolean isControl(int token) {
            return false;
        }

        @Override
        public List<String> specialTokens() {
            return List.of();
        }

        @Override
        public OptionalInt bos() {
            return OptionalInt.empty();
        }

        @Override
        public List<Integer> endTokens() {
            return List.of();
        }

        @Override
        public boolean addsBos() {
            return false;
        }
    }

    @Test
    void aStopTextOverSeveralTokensEndsTheAnswerBeforeIt() {
        AnswerText text = new AnswerText(Pieces.of("Yes.", " #", "#", "# more"), List.of("###"), Thinking.NONE);
        assertThat(text.add(0)).isEqualTo("Yes.");
        assertThat(text.add(1)).isEqualTo(" ");
        assertThat(text.add(2)).isEmpty();
        assertThat(text.add(3)).isEmpty();
        assertThat(text.isStopped()).isTrue();
        assertThat(text.text()).isEqualTo("Yes. ");
        assertThat(text.finish()).isEmpty();
    }

    @Test
    void whatOnlyBeganAStopTextIsShownAsSoonAsItIsClear() {
        AnswerText text = new AnswerText(Pieces.of("a#", "#", "b", "#"), List.of("###"), Thinking.NONE);
        assertThat(text.add(0)).isEqualTo("a");
        assertThat(text.add(1)).isEmpty();
        assertThat(text.add(2)).isEqualTo("##b");
        assertThat(text.add(3)).isEmpty();
        assertThat(text.finish()).isEqualTo("#");
        assertThat(text.isStopped()).isFalse();
        assertThat(text.text()).isEqualTo("a##b#");
    }

    @Test
    void ofSeveralStopTextsTheOneThatBeginsFirstCuts() {
        AnswerText text =
                new AnswerText(Pieces.of("one STOP", "PED END"), List.of("END", "STOPPED", "PED"), Thinking.NONE);
        assertThat(text.add(0)).isEqualTo("one ");
        assertThat(text.add(1)).isEmpty();
        assertThat(text.text()).isEqualTo("one ");
    }

    @Test
    void aCharacterInPiecesIsShownWholeAndCanBelongToAStopText() {
        byte[] euro = "€".getBytes(StandardCharsets.UTF_8);
        Pieces pieces = new Pieces(List.of(
                new byte[] {'7', euro[0]}, new byte[] {euro[1]}, new byte[] {euro[2], '!'}, new byte[] {euro[0]}));
        AnswerText shown = new AnswerText(pieces, List.of(), Thinking.NONE);
        assertThat(shown.add(0)).isEqualTo("7");
        assertThat(shown.add(1)).isEmpty();
        assertThat(shown.add(2)).isEqualTo("€!");
        assertThat(shown.add(3)).isEmpty();
        assertThat(shown.finish()).isEqualTo("\ufffd");
        AnswerText stopped = new AnswerText(pieces, List.of("€"), Thinking.NONE);
        stopped.add(0);
        stopped.add(1);
        assertThat(stopped.add(2)).isEmpty();
        assertThat(stopped.isStopped()).isTrue();
        assertThat(stopped.text()).isEqualTo("7");
    }

    @Test
    void randomTextsAreCutWhereAStopTextFirstStandsAndShownAsFarAsIsClear() {
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            String[] pieces = new String[6];
            for (int i = 0; i < pieces.length; i++) {
                pieces[i] = word(random, 4);
            }
            List<String> stops = new ArrayList<>();
            for (int i = random.nextInt(4); i > 0; i--) {
                stops.add(word(random, 5));
            }
            AnswerText text = new AnswerText(Pieces.of(pieces), stops, Thinking.NONE);
            String whole = "", shown = "";
            for (int step = 0; step < 12 && !text.isStopped(); step++) {
                int token = random.nextInt(pieces.length);
                whole += pieces[token];
                shown += text.add(token);
                int end = firstStop(whole, stops);
                assertThat(text.isStopped()).as("seed %d", seed).isEqualTo(end >= 0);
                String clear = end >= 0 ? whole.substring(0, end) : clear(whole, stops);
                assertThat(shown).as("seed %d, %s", seed, stops).isEqualTo(clear);
            }
            shown += text.finish();
            int end = firstStop(whole, stops);
            assertThat(shown).as("seed %d", seed).isEqualTo(end < 0 ? whole : whole.substring(0, end));
            assertThat(text.text()).isEqualTo(shown);
            assertThat(text.finish()).isEmpty();
        }
    }

    @Test
    void aStopTextEndsNothingInWhatIsThought() {
        Pieces pieces = Pieces.of("<think>\na", "\n\nb</thi", "nk>\n", "Hi\n", "\nX");
        AnswerText text = new AnswerText(pieces, List.of("\n\n"), Thinking.POSSIBLE);
        assertThat(text.add(0)).isEqualTo("<think>\na");
        assertThat(text.add(1)).isEqualTo("\n\nb</thi");
        assertThat(text.add(2)).isEmpty();
        assertThat(text.add(3)).isEqualTo("nk>\nHi");
        assertThat(text.add(4)).isEmpty();
        assertThat(text.isStopped()).isTrue();
        assertThat(text.text()).isEqualTo("<think>\na\n\nb</think>\nHi");
    }

    @Test
    void behindThoughtsTheAnswerIsCutAsItIsAlone() {
        List<String> tagged = List.of("<think>", "</think>", "\n", "<thi", "nk>", "a", "b", "ab\n");
        for (int seed = 0; seed < 20_000; seed++) {
            Random random = new Random(seed);
            Thinking thinking = Thinking.values()[random.nextInt(3)];
            List<String> stops = List.of(List.of("\n\n", "ab", "nk>a").get(random.nextInt(3)));
            AnswerText text = new AnswerText(Pieces.of(tagged.toArray(String[]::new)), stops, thinking);
            String whole = "", shown = "";
            for (int step = 0; step < 15 && !text.isStopped(); step++) {
                int token = random.nextInt(tagged.size());
                whole += tagged.get(token);
                shown += text.add(token);
            }
            shown += text.finish();
            ThinkingSplitter splitter = new ThinkingSplitter(thinking);
            String answer = splitter.accept(whole).answer() + splitter.finish().answer();
            int end = firstStop(answer, stops);
            assertThat(text.isStopped()).as("seed %d", seed).isEqualTo(end >= 0);
            int cut = end < 0 ? 0 : answer.length() - end;
            assertThat(shown).as("seed %d", seed).isEqualTo(whole.substring(0, whole.length() - cut));
            assertThat(text.text()).isEqualTo(shown);
        }
    }

    private static String word(Random random, int longest) {
        return random.ints(1 + random.nextInt(longest), 'a', 'c')
                .collect(StringBuilder::new, (s, c) -> s.append((char) c), StringBuilder::append)
                .toString();
    }

    private static int firstStop(String text, List<String> stops) {
        return stops.stream()
                .mapToInt(text::indexOf)
                .filter(found -> found >= 0)
                .min()
                .orElse(-1);
    }

    /** The text without the longest end of it that begins a stop text. */
    private static String clear(String text, List<String> stops) {
        for (int from = 0; from < text.length(); from++) {
            String end = text.substring(from);
            if (stops.stream().anyMatch(stop -> stop.startsWith(end))) {
                return text.substring(0, from);
            }
        }
        return text;
    }
}
