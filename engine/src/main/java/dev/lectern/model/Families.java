package dev.lectern.model;

import dev.lectern.BadModelFileException;
import dev.lectern.weights.Metadata;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.Quoted;
import java.util.List;
import java.util.TreeSet;

/** Finds the family of a model file. */
public final class Families {
    private static final List<Family> ALL = List.of(Llama.FAMILY, Qwen2.FAMILY, Qwen3.FAMILY, Gpt2.FAMILY);

    private Families() {}

    /** The architecture as the file names it. */
    public static String architecture(ModelFile file) {
        Metadata metadata = file.metadata();
        if (file.format().equals("gguf")) {
            return metadata.string("general.architecture");
        }
        if (metadata.value("architectures") instanceof String[] names && names.length == 1) {
            return names[0];
        }
        throw new BadModelFileException(
                metadata.file(), "\"architectures\" must name exactly one architecture, such as LlamaForCausalLM.");
    }

    /** The shape of the model in a file, whether or not its weights are there. */
    public static Config config(ModelFile file) {
        return find(file).config(file.metadata(), file.format().equals("gguf"));
    }

    /** The decoder of a model file with the given (perhaps rescaled) configuration. */
    public static Decoder open(ModelFile file, Config config) {
        return find(file).open(file, config);
    }

    private static Family find(ModelFile file) {
        String name = architecture(file);
        TreeSet<String> known = new TreeSet<>();
        for (Family family : ALL) {
            if (family.architectures().contains(name)) {
                return family;
            }
            known.addAll(family.architectures());
        }
        throw new BadModelFileException(
                file.metadata().file(),
                "the architecture " + Quoted.of(name) + " is not one that Lectern reads; it reads "
                        + String.join(", ", known) + ".");
    }
}
