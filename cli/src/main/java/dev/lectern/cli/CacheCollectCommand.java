package dev.lectern.cli;

import dev.lectern.KeptReadings;
import dev.lectern.LecternException;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern cache gc}. */
@Command(
        name = "gc",
        customSynopsis = "lectern cache gc [OPTIONS]",
        description = {
            "Delete what was used longest ago until so many bytes are left at most.",
            "",
            "Names of which nothing is left go too, and so do leftovers of programs that died more than a day ago.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern cache gc --max-bytes 5000000000",
            "  lectern cache gc --max-bytes 0",
            "",
            "The object of --json: files (deleted), bytes (that are free again), left (bytes that are kept)."
        })
final class CacheCollectCommand implements Verb {
    @Option(
            names = "--max-bytes",
            paramLabel = "N",
            description = "Bytes that are left at most. Default: those of --cache-bytes.")
    @Nullable
    Long maxBytes;

    @Option(names = "--cache-bytes", paramLabel = "N", description = "As in ask and read. Default: 20000000000.")
    @Nullable
    Long cacheBytes;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        long most = maxBytes != null ? maxBytes : cacheBytes != null ? cacheBytes : KeptReadings.DEFAULT_BYTES;
        if (most < 0) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "--max-bytes is " + most + ", but it takes a number of bytes, 0 or more.");
        }
        KeptReadings.Freed freed = CacheChoice.store(surroundings, most).collect(most);
        if (output.json) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("files", freed.files());
            object.put("bytes", freed.bytes());
            object.put("left", freed.left());
            surroundings.console().printLine(JsonText.of(object));
            return;
        }
        surroundings
                .console()
                .printLine("Deleted " + freed.files() + (freed.files() == 1 ? " file" : " files") + ": "
                        + Units.bytes(freed.bytes()) + " are free again, " + Units.bytes(freed.left())
                        + " are kept.");
    }
}
