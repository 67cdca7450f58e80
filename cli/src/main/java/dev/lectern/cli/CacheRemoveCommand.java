package dev.lectern.cli;

import dev.lectern.KeptReading;
import dev.lectern.KeptReadings;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lectern cache remove}. */
@Command(
        name = "remove",
        customSynopsis = "lectern cache remove [OPTIONS] NAME",
        description = {"Delete something that was read, with the pages that nothing else shares.", ""},
        footer = {
            "",
            "Examples:",
            "  lectern cache remove @report",
            "",
            "The object of --json: removed, bytes (that are free again)."
        })
final class CacheRemoveCommand implements Verb {
    @Parameters(paramLabel = "NAME", description = "Its @NAME, or the beginning of its id.")
    String name = "";

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        KeptReadings kept = CacheChoice.store(surroundings, KeptReadings.DEFAULT_BYTES);
        String plain = CacheChoice.plain(name);
        String exact = kept.names().contains(plain)
                ? plain
                : CacheShowCommand.find(kept, plain).map(KeptReading::id).orElse(plain);
        long bytes = kept.remove(exact);
        surroundings
                .console()
                .printLine(
                        output.json
                                ? JsonText.of(Map.of("removed", name, "bytes", bytes))
                                : "Removed " + name + ": " + Units.bytes(bytes) + " are free again.");
    }
}
