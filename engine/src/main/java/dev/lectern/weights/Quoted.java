package dev.lectern.weights;

/** Names out of a hostile file, made fit for a terminal. */
public final class Quoted {
    private static final int LONGEST_NAME = 100;
    private static final int LONGEST_TEXT = 500;

    private Quoted() {}

    /** The name in quotation marks: at most 100 characters of it, with control and invisible characters escaped. */
    public static String of(String name) {
        return "\"" + escaped(name, LONGEST_NAME) + "\"";
    }

    /** A sentence that quotes the file: at most 500 characters of it, with control and invisible characters escaped. */
    public static String text(String sentence) {
        return escaped(sentence, LONGEST_TEXT);
    }

    /** At most so many characters of it and an ellipsis, with control and invisible characters escaped. */
    public static String escaped(String original, int longest) {
        var text = new StringBuilder();
        for (int i = 0; i < Math.min(original.length(), longest); i++) {
            char c = original.charAt(i);
            switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.UNASSIGNED -> text.append(String.format("\\u%04x", (int) c));
                default -> text.append(c);
            }
        }
        return text.append(original.length() > longest ? "…" : "").toString();
    }
}
