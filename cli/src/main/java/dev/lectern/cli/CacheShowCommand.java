package dev.lectern.cli;

import dev.lectern.KeptDocument;
import dev.lectern.KeptReading;
import dev.lectern.KeptReadings;
import dev.lectern.LecternException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** {@code lectern cache show}. */
@Command(
        name = "show",
        customSynopsis = "lectern cache show [OPTIONS] NAME",
        description = {"Say what is known of something that was read: where it came from, and on what it depends.", ""},
        footer = {
            "",
            "Examples:",
            "  lectern cache show @report",
            "  lectern cache show --json 0a1b2c3d4e5f6071",
            "",
            "The object of --json: id, names, tokens, pages, missing, indexes {name: bytes}, bytes, used, kv, fields (on which its keys and values"
                    + " depend), and for what has a name: model, options, sources, system, created."
        })
final class CacheShowCommand implements Verb {
    @Parameters(paramLabel = "NAME", description = "Its @NAME, or the beginning of its id.")
    String name = "";

    @Mixin
    OutputChoice output = new OutputChoice();

    @Override
    public void run(Surroundings surroundings) {
        KeptReadings kept = CacheChoice.store(surroundings, KeptReadings.DEFAULT_BYTES);
        String plain = CacheChoice.plain(name);
        Optional<KeptReading> found = find(kept, plain);
        Map<String, Object> object = new LinkedHashMap<>();
        found.ifPresent(reading -> object.putAll(CacheListCommand.members(reading)));
        found.ifPresent(reading -> object.put("fields", reading.fields()));
        if (kept.names().contains(plain)) {
            KeptDocument document = kept.document(plain);
            object.putIfAbsent("tokens", document.tokens().length);
            object.putIfAbsent("fields", document.fields());
            object.put("model", document.model());
            object.put("options", document.options());
            object.put("sources", document.sources());
            object.put("system", document.system());
            object.put("created", document.created());
        } else if (found.isEmpty()) {
            kept.document(plain); // says that there is none
        }
        Console console = surroundings.console();
        if (output.json) {
            console.printLine(JsonText.of(object));
            return;
        }
        StringBuilder text = new StringBuilder();
        object.forEach((key, value) -> {
            if (value instanceof Map<?, ?> map) {
                map.forEach((field, of) -> text.append(key)
                        .append(": ")
                        .append(field)
                        .append(" = ")
                        .append(of)
                        .append('\n'));
            } else {
                text.append(key).append(": ").append(value).append('\n');
            }
        });
        console.print(text.toString());
    }

    /**
     * The reading of a name, or whose id begins so.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if that is several
     */
    static Optional<KeptReading> find(KeptReadings kept, String name) {
        List<KeptReading> found = kept.readings().stream()
                .filter(reading -> reading.names().contains(name)
                        || (name.length() >= 6 && reading.id().startsWith(name)))
                .toList();
        if (found.size() > 1) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + name + "\" can mean " + found.size() + " readings: give more of the id.");
        }
        return found.stream().findFirst();
    }
}
