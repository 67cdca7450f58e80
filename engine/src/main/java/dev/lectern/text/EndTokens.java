package dev.lectern.text;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** The tokens that end an answer: those that a model names, and those whose written form says so in every family. */
final class EndTokens {
    private static final List<String> SPELLINGS = List.of(
            "<|im_end|>",
            "<|eot_id|>",
            "<|eom_id|>",
            "<|endoftext|>",
            "<|end_of_text|>",
            "<|end_of_turn|>",
            "<end_of_turn>",
            "<|end|>",
            "</s>");

    private EndTokens() {}

    /** @param named what the model names, in its order */
    static List<Integer> of(Vocabulary vocabulary, List<Integer> named) {
        Set<Integer> ends = new LinkedHashSet<>(named);
        for (String spelling : SPELLINGS) {
            int id = vocabulary.id(spelling);
            if (id >= 0 && vocabulary.kind(id) == Vocabulary.Kind.CONTROL) {
                ends.add(id);
            }
        }
        return List.copyOf(new ArrayList<>(ends));
    }
}
