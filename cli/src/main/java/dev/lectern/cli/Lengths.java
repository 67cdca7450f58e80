package dev.lectern.cli;

import dev.lectern.LecternException;
import dev.lectern.hub.Catalogue;
import dev.lectern.hub.CatalogueEntry;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Compares a prompt with the context, before anything is read. A prompt that does not fit is refused, never cut.
 *
 * @param context tokens that the session is to hold
 * @param maxTokens the most tokens of an answer for which there is room
 */
record Lengths(int context, int maxTokens) {
    /**
     * Makes room for a prompt and its answers.
     *
     * @param name of the model, for the message
     * @param holds tokens that the model can hold
     * @param asked the context that the user asked for
     * @throws LecternException of kind {@code TOO_LONG} with the length of the prompt, that of the context, and who could hold it
     */
    static Lengths of(String name, int holds, long prompt, int maxTokens, OptionalInt asked, Catalogue catalogue) {
        int limit = asked.orElse(holds);
        if (prompt > limit) {
            throw new LecternException(
                    LecternException.Kind.TOO_LONG,
                    asked.isPresent() && prompt <= holds
                            ? "The prompt has " + prompt + " tokens, but --ctx is " + limit + ": raise it to "
                                    + Math.min(holds, prompt + maxTokens - 1) + ", which " + name
                                    + " can hold, or leave it out."
                            : "The prompt has " + prompt + " tokens, but " + name + " holds " + holds
                                    + " at most, and nothing is cut off: " + remedy(prompt, catalogue));
        }
        // The last token of an answer is chosen and never read, so it needs no room.
        long room = limit - prompt + 1;
        int most = (int) Math.min(maxTokens, room);
        return new Lengths(asked.orElse((int) (prompt + most - 1)), most);
    }

    private static String remedy(long prompt, Catalogue catalogue) {
        List<CatalogueEntry> larger = catalogue.holding(prompt);
        String stretch = "stretch this one with --rope-scaling (yarn:factor=2 doubles it)";
        if (larger.isEmpty()) {
            return "no model of the catalogue holds as much; shorten the document, " + stretch
                    + ", or name a model with a longer context (--model).";
        }
        return "use "
                + larger.stream()
                        .map(entry -> entry.name() + " (" + entry.context() + ")")
                        .collect(Collectors.joining(" or "))
                + " with --model, or " + stretch + ".";
    }
}
