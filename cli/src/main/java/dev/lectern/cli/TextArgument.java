package dev.lectern.cli;

import dev.lectern.LecternException;
import org.jspecify.annotations.Nullable;

/** A text that is an argument, a file, or standard input. */
final class TextArgument {
    private TextArgument() {}

    /**
     * @param argument the text itself
     * @param file of {@code --text}
     * @param label what the help calls the argument
     * @throws LecternException of kind {@code BAD_OPTION} if both are given, or neither where a person sits at the keyboard
     */
    static String of(Surroundings surroundings, @Nullable String argument, @Nullable String file, String label) {
        if (argument != null && file != null) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "The text is given twice, as " + label + " and by --text: leave one out.");
        }
        if (argument != null) {
            return argument;
        }
        Console console = surroundings.console();
        if (file != null) {
            return console.in().file(file);
        }
        if (console.terminals().in()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "There is no text: give it as " + label + ", with --text FILE, or on standard input.");
        }
        return console.in().all();
    }
}
