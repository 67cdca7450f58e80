package dev.lectern.text;

import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Tokenises a text piece by piece. A SentencePiece model puts a space in front of every text; in front of a piece that goes
 * on from another one there must be none, or the model would read words that nobody wrote. So such a piece is tokenised
 * behind a character that merges with nothing, whose tokens are then dropped.
 */
final class ChatPromptEncoder {
    /** Candidates for the character in front: most SentencePiece vocabularies have single bytes for these. */
    private static final List<String> GUARDS = List.of("\n", "\u0001", "\u0002");

    private final Tokenizer tokenizer;
    private final boolean spaceInFront;
    private final boolean spaceBehindSpecial;
    private boolean first = true;
    private boolean behindSpecial;

    ChatPromptEncoder(Tokenizer tokenizer) {
        this.tokenizer = tokenizer;
        spaceInFront = tokenizer.prefixesSpace();
        spaceBehindSpecial = spaceInFront && addsSpaceBehindSpecial(tokenizer);
    }

    private boolean addsSpaceBehindSpecial(Tokenizer model) {
        for (String special : model.specialTokens()) {
            int[] ids = model.encode(special + "a", true).ids();
            if (ids.length > 1 && model.isControl(ids[0])) {
                return written(ids, 1).startsWith(" ");
            }
        }
        return true;
    }

    Tokenizer.Encoding encode(String piece, boolean parseSpecial) {
        boolean space = first || (behindSpecial && spaceBehindSpecial);
        Tokenizer.Encoding encoding = spaceInFront && !space ? continued(piece, parseSpecial) : null;
        if (encoding == null) {
            encoding = tokenizer.encode(piece, parseSpecial);
        }
        if (encoding.ids().length > 0) {
            first = false;
            behindSpecial = tokenizer.isControl(encoding.ids()[encoding.ids().length - 1]);
        }
        return encoding;
    }

    private Tokenizer.@Nullable Encoding continued(String piece, boolean parseSpecial) {
        for (String guard : GUARDS) {
            Tokenizer.Encoding whole = tokenizer.encode(guard + piece, parseSpecial);
            int[] starts = whole.starts().clone();
            int from = 0;
            while (from < starts.length && starts[from] < guard.length()) {
                from++;
            }
            String front = written(Arrays.copyOf(whole.ids(), from), 0);
            if (front.equals(" " + guard) || front.equals(guard)) {
                for (int i = from; i < starts.length; i++) {
                    starts[i] -= guard.length();
                }
                return new Tokenizer.Encoding(
                        Arrays.copyOfRange(whole.ids(), from, starts.length),
                        Arrays.copyOfRange(starts, from, starts.length));
            }
        }
        return null;
    }

    private String written(int[] ids, int from) {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        for (int i = from; i < ids.length; i++) {
            bytes.writeBytes(tokenizer.bytes(ids[i]));
        }
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
