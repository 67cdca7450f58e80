package dev.lectern.weights;

import dev.lectern.BadModelFileException;
import dev.lectern.LecternException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GGUF model: one file, or a set of shards named {@code name-00001-of-00003.gguf} that lie side by side. The first
 * shard has the model's metadata; all of them say which shard they are ({@code split.no}, from 0) of how many
 * ({@code split.count}).
 */
final class GgufModel {
    private static final Pattern SHARD = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf", Pattern.DOTALL);

    private GgufModel() {}

    /** @param name the file, or any shard of a set */
    static ModelContents read(ModelFolder folder, String name) {
        Matcher shard = SHARD.matcher(name);
        if (shard.matches() && !shard.group(3).equals("00001")) {
            return readShards(folder, shard.group(1), Integer.parseInt(shard.group(3)));
        }
        ModelContents whole = GgufReader.read(folder.describe(name), folder.open(name));
        long count = whole.metadata().integer("split.count", 1);
        if (count > 1) {
            throw whole.metadata()
                    .bad(
                            "split.count",
                            "is " + count + ", but the file is not named like a shard (name-00001-of-" + digits(count)
                                    + ".gguf), so that the others cannot be found: give it its name again");
        }
        return whole;
    }

    private static ModelContents readShards(ModelFolder folder, String stem, int count) {
        List<StoredTensor> tensors = new ArrayList<>();
        var names = new HashSet<String>();
        Metadata metadata = null;
        for (int number = 1; number <= count; number++) {
            String name = stem + "-" + digits(number) + "-of-" + digits(count) + ".gguf";
            if (!folder.has(name)) {
                throw new LecternException(
                        LecternException.Kind.NOT_FOUND,
                        folder.describe(name) + ": this shard is missing; a model in " + count
                                + " shards needs all of them side by side.");
            }
            ModelContents shard = GgufReader.read(folder.describe(name), folder.open(name));
            require(shard.metadata(), "split.no", number - 1);
            require(shard.metadata(), "split.count", count);
            for (StoredTensor tensor : shard.tensors()) {
                if (!names.add(tensor.name())) {
                    throw tensor.bad("is in an earlier shard, too");
                }
                tensors.add(tensor);
            }
            metadata = metadata == null ? shard.metadata() : metadata;
        }
        if (metadata == null) {
            throw new BadModelFileException(folder.describe(stem), "a model cannot be in 0 shards.");
        }
        if (metadata.has("split.tensors.count")) {
            require(metadata, "split.tensors.count", tensors.size());
        }
        return new ModelContents("gguf", metadata, List.copyOf(tensors));
    }

    private static void require(Metadata metadata, String key, int expected) {
        long value = metadata.integer(key);
        if (value != expected) {
            throw metadata.bad(key, "is " + value + ", but by their names and lists the shards make it " + expected);
        }
    }

    private static String digits(long number) {
        return String.format("%05d", number);
    }
}
