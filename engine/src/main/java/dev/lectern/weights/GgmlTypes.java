package dev.lectern.weights;

import dev.lectern.kernel.ElementType;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The element types of ggml by their number in a GGUF file. Those without an {@link ElementType} are known by name and
 * size only, so that a file can be listed.
 *
 * <p>Source: {@code enum ggml_type} and the block structures of ggml (ggml.h, ggml-common.h).
 */
final class GgmlTypes {
    private static final Map<Integer, StoredType> BY_ID = new HashMap<>();

    static {
        for (ElementType type : ElementType.values()) {
            BY_ID.put(type.ggmlId(), StoredType.of(type));
        }
        listed(10, "Q2_K", 256, 84);
        listed(11, "Q3_K", 256, 110);
        listed(16, "IQ2_XXS", 256, 66);
        listed(17, "IQ2_XS", 256, 74);
        listed(18, "IQ3_XXS", 256, 98);
        listed(19, "IQ1_S", 256, 50);
        listed(20, "IQ4_NL", 32, 18);
        listed(21, "IQ3_S", 256, 110);
        listed(22, "IQ2_S", 256, 82);
        listed(23, "IQ4_XS", 256, 136);
        listed(24, "I8", 1, 1);
        listed(25, "I16", 1, 2);
        listed(26, "I32", 1, 4);
        listed(27, "I64", 1, 8);
        listed(28, "F64", 1, 8);
        listed(29, "IQ1_M", 256, 56);
        listed(34, "TQ1_0", 256, 54);
        listed(35, "TQ2_0", 256, 66);
        listed(39, "MXFP4", 32, 17);
    }

    private GgmlTypes() {}

    private static void listed(int id, String name, int blockElements, int blockBytes) {
        BY_ID.put(id, StoredType.unreadable(name, blockElements, blockBytes));
    }

    /** The type of that number, or null if it is not known. */
    static @Nullable StoredType byId(int id) {
        return BY_ID.get(id);
    }
}
