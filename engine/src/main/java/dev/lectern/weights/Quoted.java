package dev.lectern.weights;

/** Names out of a hostile file, made fit for a sentence on a terminal. */
final class Quoted {
    private static final int LONGEST = 100;

    private Quoted() {}

    /** The name in quotation marks: at most 100 characters of it, with control and invisible characters escaped. */
    static String of(String name) {
        var text = new StringBuilder("\"");
        for (int i = 0; i < Math.min(name.length(), LONGEST); i++) {
            char c = name.charAt(i);
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
        return text.append(name.length() > LONGEST ? "…\"" : "\"").toString();
    }
}
