package dev.lectern.cli;

import dev.lectern.KeptReading;
import dev.lectern.KeptReadings;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lectern cache list}. */
@Command(
        name = "list",
        customSynopsis = "lectern cache list [OPTIONS]",
        description = {
            "List what was read to its end and is kept, the latest first.",
            "",
            "Texts that begin alike share pages, so the bytes of all are fewer than their sum.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern cache list",
            "  lectern cache list --json",
            "",
            "The object of --json: readings [{id, names, tokens, pages (of 256 tokens), missing (of these), indexes {name: bytes}, bytes, used, kv}],"
                    + " bytes (of all files), folder."
        })
final class CacheListCommand implements Verb {
    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        KeptReadings kept = CacheChoice.store(surroundings, KeptReadings.DEFAULT_BYTES);
        List<KeptReading> readings = kept.readings();
        Console console = surroundings.console();
        if (output.json) {
            List<Map<String, Object>> all = new ArrayList<>();
            readings.forEach(reading -> all.add(members(reading)));
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("readings", all);
            object.put("bytes", kept.bytes());
            object.put("folder", surroundings.hub().cacheFolder().resolve("kv"));
            console.printLine(JsonText.of(object));
            return;
        }
        StringBuilder text = new StringBuilder();
        for (KeptReading reading : readings) {
            text.append(String.format(
                    Locale.ROOT,
                    "%-24s %9d tokens  %9s  %s  %s%s%s%n",
                    nameOf(reading),
                    reading.tokens(),
                    Units.bytes(reading.bytes()),
                    reading.fields().getOrDefault("--kv", ""),
                    reading.used().toString().substring(0, 10),
                    reading.part()
                            .map(part -> "  (part " + part + " of a text)")
                            .orElse(""),
                    reading.missing() > 0 ? "  (" + reading.missing() + " pages are missing)" : ""));
        }
        console.print(text + (text.isEmpty() ? "" : "\n") + Units.bytes(kept.bytes()) + " are kept in "
                + surroundings.hub().cacheFolder().resolve("kv") + ".\n");
    }

    /** How it is asked for, or removed. */
    static String nameOf(KeptReading reading) {
        return reading.names().isEmpty() ? reading.id().substring(0, 16) : "@" + String.join(", @", reading.names());
    }

    static Map<String, Object> members(KeptReading reading) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("id", reading.id());
        members.put("names", reading.names());
        members.put("tokens", reading.tokens());
        members.put("pages", reading.pages());
        members.put("missing", reading.missing());
        members.put("indexes", reading.indexes());
        members.put("bytes", reading.bytes());
        members.put("used", reading.used());
        members.put("kv", reading.fields().getOrDefault("--kv", ""));
        reading.part().ifPresent(part -> members.put("part", part));
        return members;
    }
}
