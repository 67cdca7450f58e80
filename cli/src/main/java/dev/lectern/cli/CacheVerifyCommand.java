package dev.lectern.cli;

import dev.lectern.KeptReadings;
import java.util.List;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lectern cache verify}. */
@Command(
        name = "verify",
        customSynopsis = "lectern cache verify [OPTIONS]",
        description = {
            "Read every file that is kept and compare it with its checksums.",
            "",
            "What is damaged is deleted, and computed again when it is needed. The same is checked whenever something that is"
                    + " kept is used, so nothing needs this; it is for disks that are not trusted.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern cache verify",
            "",
            "The object of --json: damaged (a sentence for each file), bytes (of all files)."
        })
final class CacheVerifyCommand implements Verb {
    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        KeptReadings kept = CacheChoice.store(surroundings, KeptReadings.DEFAULT_BYTES);
        Console console = surroundings.console();
        List<String> damaged;
        try (ProgressLine line = new ProgressLine(console, "verifying", ProgressLine.Unit.BYTES, 0, -1)) {
            damaged = kept.verify(line, surroundings.cancellation());
        }
        if (output.json) {
            console.printLine(JsonText.of(Map.of("damaged", damaged, "bytes", kept.bytes())));
            return;
        }
        damaged.forEach(sentence -> console.printLine(sentence + "."));
        console.printLine((damaged.isEmpty() ? "Nothing is damaged: " : "The rest is whole: ")
                + Units.bytes(kept.bytes()) + " are kept.");
    }
}
