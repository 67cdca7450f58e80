package dev.lectern.text.jinja;

/**
 * A token of a template.
 *
 * @param text the text between tags, a name, an operator, the digits of a number, or the value of a string
 */
record Token(Kind kind, String text, int line) {
    enum Kind {
        DATA,
        BLOCK_BEGIN,
        BLOCK_END,
        PRINT_BEGIN,
        PRINT_END,
        NAME,
        STRING,
        INTEGER,
        FLOAT,
        OPERATOR,
        END
    }

    boolean is(Kind wanted, String wantedText) {
        return kind == wanted && text.equals(wantedText);
    }

    boolean operator(String wanted) {
        return is(Kind.OPERATOR, wanted);
    }

    boolean name(String wanted) {
        return is(Kind.NAME, wanted);
    }

    /** How an error names it. */
    String described() {
        return switch (kind) {
            case DATA -> "text";
            case BLOCK_BEGIN -> "\"{%\"";
            case BLOCK_END -> "\"%}\"";
            case PRINT_BEGIN -> "\"{{\"";
            case PRINT_END -> "\"}}\"";
            case STRING -> "a string";
            case END -> "the end of the template";
            default -> '"' + text + '"';
        };
    }
}
