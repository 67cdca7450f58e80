package dev.lectern.text;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A tokenizer for tests: a token is a word with the space in front of it, a run of blanks, or a single character, so that
 * neighbours merge as they do in real vocabularies. Ids are given out as they come. On request it puts a space in front of
 * every text, as SentencePiece models do.
 */
final class WordTokenizer implements Tokenizer {
    private static final Pattern TOKEN = Pattern.compile(" ?\\p{L}+|[ \\t]+|\\R|.", Pattern.DOTALL);

    private final List<String> specials;
    private final boolean spaceInFront;
    private final boolean spaceBehindSpecial;
    private final List<String> written = new ArrayList<>();
    private final Map<String, Integer> ids = new HashMap<>();

    WordTokenizer(Collection<String> specials, boolean spaceInFront, boolean spaceBehindSpecial) {
        this.specials = List.copyOf(specials);
        this.spaceInFront = spaceInFront;
        this.spaceBehindSpecial = spaceBehindSpecial;
        this.specials.forEach(special -> id("special " + special));
    }

    private int id(String key) {
        return ids.computeIfAbsent(key, name -> {
            written.add(name);
            return written.size() - 1;
        });
    }

    @Override
    public int size() {
        return Integer.MAX_VALUE;
    }

    @Override
    public Encoding encode(String text, boolean parseSpecial) {
        List<Integer> out = new ArrayList<>();
        List<Integer> starts = new ArrayList<>();
        int plain = 0;
        int at = 0;
        while (parseSpecial && at < text.length()) {
            int here = at;
            String special = specials.stream()
                    .filter(one -> text.startsWith(one, here))
                    .findFirst()
                    .orElse("");
            if (special.isEmpty()) {
                at++;
                continue;
            }
            words(text, plain, at, out, starts);
            out.add(id("special " + special));
            starts.add(at);
            at += special.length();
            plain = at;
        }
        words(text, plain, text.length(), out, starts);
        return new Encoding(
                out.stream().mapToInt(Integer::intValue).toArray(),
                starts.stream().mapToInt(Integer::intValue).toArray());
    }

    private void words(String text, int start, int end, List<Integer> out, List<Integer> starts) {
        boolean space = spaceInFront && start < end && (start == 0 || spaceBehindSpecial);
        String segment = (space ? " " : "") + text.substring(start, end);
        Matcher matcher = TOKEN.matcher(segment);
        while (matcher.find()) {
            out.add(id("text " + matcher.group()));
            starts.add(Math.max(start, start + matcher.start() - (space ? 1 : 0)));
        }
    }

    @Override
    public boolean prefixesSpace() {
        return spaceInFront;
    }

    @Override
    public byte[] bytes(int token) {
        return isControl(token)
                ? new byte[0]
                : written.get(token).substring("text ".length()).getBytes(StandardCharsets.UTF_8);
    }

    @Override
    public String written(int token) {
        return written.get(token).substring(written.get(token).indexOf(' ') + 1);
    }

    @Override
    public OptionalInt token(String form) {
        return specials.contains(form) ? OptionalInt.of(id("special " + form)) : OptionalInt.empty();
    }

    @Override
    public boolean isControl(int token) {
        return written.get(token).startsWith("special ");
    }

    @Override
    public List<String> specialTokens() {
        return specials;
    }

    @Override
    public OptionalInt bos() {
        return token("<s>");
    }

    @Override
    public List<Integer> endTokens() {
        return List.of();
    }

    @Override
    public boolean addsBos() {
        return true;
    }

    /** The text of tokens, special ones as written. */
    String text(int[] tokens) {
        StringBuilder text = new StringBuilder();
        for (int token : tokens) {
            text.append(written(token));
        }
        return text.toString();
    }
}
