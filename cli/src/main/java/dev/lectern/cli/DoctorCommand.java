package dev.lectern.cli;

import dev.lectern.Memory;
import dev.lectern.hub.Installed;
import dev.lectern.kernel.Kernels;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Spec;

/** {@code lectern doctor}. */
@Command(
        name = "doctor",
        customSynopsis = "lectern doctor [OPTIONS]",
        description = {"Say what would make Lectern slow on this machine, and what helps.", ""},
        footer = {
            "",
            "The object of --json: java (its version), vectorBits (0: no vectors), threads, memory (bytes in all), memoryAvailable,"
                    + " heap (the most that Java may use), folder (where models are kept), models [{name, bytes, here, path,"
                    + " sha256}], warnings (sentences, each with its remedy)."
        })
final class DoctorCommand implements Verb {
    @Mixin
    OutputChoice output = new OutputChoice();

    @Spec
    CommandLine.Model.CommandSpec spec = CommandLine.Model.CommandSpec.create();

    @Override
    public void run(Surroundings surroundings) {
        List<String> warnings =
                new Examination(surroundings, Settings.names(spec.root().commandLine())).warnings();
        List<Installed> models = surroundings.hub().installed();
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("java", Runtime.version().toString());
        object.put("vectorBits", Kernels.vectorBits());
        object.put("threads", Runtime.getRuntime().availableProcessors());
        object.put("memory", Memory.total());
        object.put("memoryAvailable", Memory.available());
        object.put("heap", Runtime.getRuntime().maxMemory());
        object.put("folder", surroundings.hub().cacheFolder());
        object.put("models", models.stream().map(ModelsCommand::installed).toList());
        object.put("warnings", warnings);
        surroundings.console().print(output.json ? JsonText.of(object) + "\n" : text(surroundings, models, warnings));
    }

    private static String text(Surroundings surroundings, List<Installed> models, List<String> warnings) {
        List<String> lines = new ArrayList<>();
        lines.add("Java      " + Runtime.version() + ", " + System.getProperty("java.vm.name") + ", "
                + System.getProperty("java.home"));
        lines.add("vectors   " + (Kernels.vectorBits() == 0 ? "none" : Kernels.vectorBits() + " bits"));
        lines.add("threads   " + Runtime.getRuntime().availableProcessors());
        lines.add("memory    " + Units.bytes(Memory.available()) + " available of " + Units.bytes(Memory.total())
                + "; Java's heap may take " + Units.bytes(Runtime.getRuntime().maxMemory()));
        lines.add("models    in " + surroundings.hub().cacheFolder());
        for (Installed model : models) {
            lines.add("          " + model.record().name() + " ("
                    + Units.bytes(model.record().bytes()) + ")");
        }
        lines.add(warnings.isEmpty() ? "\nAll is well." : "");
        for (String warning : warnings) {
            lines.add("! " + warning);
        }
        return String.join("\n", lines) + "\n";
    }
}
