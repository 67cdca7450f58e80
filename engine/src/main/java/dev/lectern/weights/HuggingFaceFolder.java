package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/**
 * A folder as Hugging Face's transformers writes it: config.json, and the weights in model.safetensors or in the shards
 * that model.safetensors.index.json names. Of a shard only those tensors count that the index places there.
 */
final class HuggingFaceFolder {
    static final String CONFIG = "config.json";
    private static final String WEIGHTS = "model.safetensors";
    private static final String INDEX = "model.safetensors.index.json";

    private HuggingFaceFolder() {}

    static ModelContents read(ModelFolder folder) {
        if (folder.has(WEIGHTS)) {
            List<StoredTensor> tensors = SafetensorsReader.read(folder.describe(WEIGHTS), folder.open(WEIGHTS));
            return new ModelContents("safetensors", config(folder, CONFIG), tensors);
        }
        if (folder.has(INDEX)) {
            return new ModelContents("safetensors", config(folder, CONFIG), shards(folder));
        }
        return readConfig(folder, CONFIG);
    }

    /** A model of which only the configuration is wanted or there. */
    static ModelContents readConfig(ModelFolder folder, String name) {
        return new ModelContents("config", config(folder, name), List.of());
    }

    private static Metadata config(ModelFolder folder, String name) {
        return ConfigJson.read(folder.describe(name), folder.open(name));
    }

    private static List<StoredTensor> shards(ModelFolder folder) {
        Map<String, String> fileOf = weightMap(folder);
        Map<String, StoredTensor> found = new HashMap<>();
        for (String shard : new LinkedHashSet<>(fileOf.values())) {
            for (StoredTensor tensor : SafetensorsReader.read(folder.describe(shard), folder.open(shard))) {
                if (shard.equals(fileOf.get(tensor.name()))) {
                    found.put(tensor.name(), tensor);
                }
            }
        }
        List<StoredTensor> tensors = new ArrayList<>(fileOf.size());
        fileOf.forEach((name, shard) -> {
            StoredTensor tensor = found.get(name);
            if (tensor == null) {
                throw StoredTensor.bad(
                        folder.describe(INDEX),
                        name,
                        "should be in " + shard + " but is not: run \"lectern pull\" again");
            }
            tensors.add(tensor);
        });
        return tensors;
    }

    /** From the names of tensors to the names of files. */
    private static Map<String, String> weightMap(ModelFolder folder) {
        String index = folder.describe(INDEX);
        if (!(JsonFile.object(index, folder.open(INDEX)).get("weight_map") instanceof Map<?, ?> map)) {
            throw new BadModelFileException(index, "it has no object \"weight_map\".");
        }
        Map<String, String> fileOf = new LinkedHashMap<>();
        map.forEach((name, file) -> {
            String tensor = (String) name;
            if (!(file instanceof String shard)) {
                throw StoredTensor.bad(index, tensor, "has no file name in \"weight_map\"");
            }
            if (!isPlainName(shard)) {
                throw StoredTensor.bad(
                        index,
                        tensor,
                        "is placed in " + Quoted.of(shard)
                                + ", which is not the name of a .safetensors file in the same folder");
            }
            fileOf.put(tensor, shard);
        });
        return fileOf;
    }

    /** Whether a name stays in its folder on every operating system. */
    private static boolean isPlainName(String name) {
        return name.endsWith(".safetensors")
                && name.length() <= 255
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
    }
}
