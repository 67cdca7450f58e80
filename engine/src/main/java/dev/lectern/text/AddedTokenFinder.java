package dev.lectern.text;

import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/** Finds added tokens in a text: of those that begin leftmost the longest, then on behind it. A trie of UTF-16 units. */
final class AddedTokenFinder {
    /** Told about the text from left to right. */
    interface Parts {
        /** Text without an added token. */
        void text(int from, int to);

        /** An added token and the white space that it takes. */
        void token(AddedToken token, int from);
    }

    private final LongIntMap children;
    private final List<AddedToken> tokens;
    private final LongIntMap endings = new LongIntMap(16); // node → index in tokens

    /**
     * @param tokens what to find
     * @param spellings how each is spelt, none empty
     */
    AddedTokenFinder(List<AddedToken> tokens, List<String> spellings) {
        this.tokens = List.copyOf(tokens);
        children = new LongIntMap(64);
        int nodes = 1;
        for (int i = 0; i < tokens.size(); i++) {
            int node = 0;
            String spelling = spellings.get(i);
            for (int k = 0; k < spelling.length(); k++) {
                long edge = edge(node, spelling.charAt(k));
                int child = children.get(edge);
                if (child == LongIntMap.ABSENT) {
                    child = nodes++;
                    children.put(edge, child);
                }
                node = child;
            }
            endings.put(node, i);
        }
    }

    boolean isEmpty() {
        return tokens.isEmpty();
    }

    List<AddedToken> tokens() {
        return tokens;
    }

    void split(String text, Parts parts) {
        int done = 0;
        for (int i = 0; i < text.length(); ) {
            int node = 0;
            int found = LongIntMap.ABSENT;
            int end = i;
            for (int k = i; k < text.length(); k++) {
                node = children.get(edge(node, text.charAt(k)));
                if (node == LongIntMap.ABSENT) {
                    break;
                }
                int ending = endings.get(node);
                if (ending != LongIntMap.ABSENT) {
                    found = ending;
                    end = k + 1;
                }
            }
            if (found == LongIntMap.ABSENT) {
                i++;
                continue;
            }
            AddedToken token = tokens.get(found);
            if (!token.singleWord() || standsAlone(text, i, end)) {
                int from = i;
                int to = end;
                while (token.stripLeft() && from > done && CharacterClass.isSpace(text.charAt(from - 1))) {
                    from--;
                }
                while (token.stripRight() && to < text.length() && CharacterClass.isSpace(text.charAt(to))) {
                    to++;
                }
                if (from > done) {
                    parts.text(done, from);
                }
                parts.token(token, Math.max(from, done));
                done = to;
            }
            i = Math.max(end, done);
        }
        if (done < text.length()) {
            parts.text(done, text.length());
        }
    }

    private static boolean standsAlone(String text, int from, int to) {
        return (from == 0 || !CharacterClass.isWord(text.codePointBefore(from)))
                && (to == text.length() || !CharacterClass.isWord(text.codePointAt(to)));
    }

    private static long edge(int node, char c) {
        return (long) node << 16 | c;
    }

    /** The finder of those tokens whose {@code normalized} is as given. */
    static AddedTokenFinder of(List<AddedToken> all, boolean normalized, UnaryOperator<String> spelling) {
        List<AddedToken> tokens = new ArrayList<>();
        List<String> spellings = new ArrayList<>();
        for (AddedToken token : all) {
            String spelt = spelling.apply(token.content());
            if (token.normalized() == normalized && !spelt.isEmpty()) {
                tokens.add(token);
                spellings.add(spelt);
            }
        }
        return new AddedTokenFinder(tokens, spellings);
    }
}
