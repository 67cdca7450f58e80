package dev.lectern.attention;

import dev.lectern.options.NamedOptions;
import java.util.BitSet;
import java.util.stream.Collectors;

/** Some layers of a model, as an option names them: {@code dense=0+16}; {@code dense=none} for no layer. */
public final class LayerSet {
    /** How no layer is written. */
    public static final String NONE = "none";

    private static final int MOST = 4096;

    private final BitSet layers = new BitSet();

    /** The layers that an option names. */
    public static LayerSet of(NamedOptions options, String option, String unlessGiven) {
        String text = options.text(option).orElse(unlessGiven);
        LayerSet set = new LayerSet();
        if (!text.equals(NONE)) {
            for (String part : text.split("\\+", -1)) {
                int layer = number(part);
                if (layer < 0) {
                    throw options.bad(
                            option + " is " + text + ", but it takes layers, as in " + option + "=0+16, or none");
                }
                set.layers.set(layer);
            }
        }
        return set;
    }

    private static int number(String text) {
        try {
            int layer = Integer.parseInt(text);
            return layer < MOST ? layer : -1;
        } catch (NumberFormatException e) {
            return -1;
        }
    }

    public boolean contains(int layer) {
        return layers.get(layer);
    }

    public boolean isEmpty() {
        return layers.isEmpty();
    }

    @Override
    public String toString() {
        return layers.isEmpty()
                ? NONE
                : layers.stream().mapToObj(Integer::toString).collect(Collectors.joining("+"));
    }
}
