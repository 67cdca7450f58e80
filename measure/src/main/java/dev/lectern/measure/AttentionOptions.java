package dev.lectern.measure;

import dev.lectern.LecternException;
import dev.lectern.attention.DecodeAttentions;
import dev.lectern.kv.KvFormats;
import java.util.ArrayList;
import java.util.List;

/**
 * What {@link AttentionEval} measures.
 *
 * @param kv the format of keys and values
 * @param attention methods; one that takes a budget and names none is measured at each of {@code budgets}
 * @param budgets tokens, or shares as {@code 2%}
 */
public record AttentionOptions(String kv, List<String> attention, List<String> budgets) {
    /** TopK against sampling: the methods that know all scores, at budgets from 1 to 50 per cent. */
    public static final AttentionOptions DEFAULT = new AttentionOptions(
            "f32",
            List.of("topk", "oracle-sampling", "uniform", "topp:p=0.5", "topp:p=0.9", "topp:p=0.99"),
            List.of("1%", "2%", "5%", "10%", "20%", "50%"));

    public AttentionOptions {
        attention = List.copyOf(attention);
        budgets = List.copyOf(budgets);
        if (attention.isEmpty()) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, "--attention names no method.");
        }
        methods(attention, budgets); // says what is wrong with them
        KvFormats.named(kv); // likewise, before anything is read
    }

    /** All methods, each with all its options. */
    List<String> methods() {
        return methods(attention, budgets);
    }

    /** @param source {@code --recording FILE}, or {@code --text FILE} with the model */
    String command(String source) {
        StringBuilder command = new StringBuilder("lectern eval attention " + source + " --kv " + kv);
        attention.forEach(method -> command.append(" --attention ").append(method));
        return command.append(" --budget ").append(String.join(",", budgets)).toString();
    }

    private static List<String> methods(List<String> attention, List<String> budgets) {
        List<String> methods = new ArrayList<>();
        for (String spec : attention) {
            boolean open = !spec.contains(":budget=")
                    && DecodeAttentions.named(spec).name().contains(":budget=");
            if (open) {
                budgets.forEach(budget -> methods.add(
                        DecodeAttentions.named(spec + ":budget=" + budget).name()));
            } else {
                methods.add(DecodeAttentions.named(spec).name());
            }
        }
        return methods.stream().distinct().toList();
    }

    public AttentionOptions withKv(String kv) {
        return new AttentionOptions(kv, attention, budgets);
    }

    public AttentionOptions withAttention(List<String> attention) {
        return new AttentionOptions(kv, attention, budgets);
    }

    public AttentionOptions withBudgets(List<String> budgets) {
        return new AttentionOptions(kv, attention, budgets);
    }
}
