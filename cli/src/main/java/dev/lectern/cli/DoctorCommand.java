package dev.lectern.cli;

import dev.lectern.Memory;
import dev.lectern.hub.Installed;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Peak;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
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
                    + " sha256}], warnings (sentences, each with its remedy); with --peak also peak {flops (f32 multiplications and"
                    + " additions a second, one thread), flopsOfAll, bytesPerSecond (read from memory by one thread),"
                    + " bytesPerSecondOfAll, threads}."
        })
final class DoctorCommand implements Verb {
    /** Far more than the caches of any processor hold. */
    private static final long PEAK_BYTES = 512L << 20;

    @Option(
            names = "--peak",
            description = {
                "Also measure what the processor and the memory can do at most,",
                "which takes a few seconds."
            })
    boolean peak;

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
        Optional<Peak> measured = peak ? Optional.of(measured(surroundings)) : Optional.empty();
        measured.ifPresent(figures -> object.put("peak", json(figures)));
        surroundings
                .console()
                .print(output.json ? JsonText.of(object) + "\n" : text(surroundings, models, measured, warnings));
    }

    private static Peak measured(Surroundings surroundings) {
        try (ProgressLine line = new ProgressLine(surroundings.console(), "measuring", ProgressLine.Unit.WORK, 0, -1)) {
            return Peak.measure(
                    Runtime.getRuntime().availableProcessors(),
                    Math.min(PEAK_BYTES, Memory.available() / 4),
                    line,
                    surroundings.cancellation());
        }
    }

    private static Map<String, Object> json(Peak peak) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("flops", peak.flops());
        object.put("flopsOfAll", peak.flopsOfAll());
        object.put("bytesPerSecond", peak.bytes());
        object.put("bytesPerSecondOfAll", peak.bytesOfAll());
        object.put("threads", peak.threads());
        return object;
    }

    private static String text(Peak peak) {
        return String.format(
                Locale.ROOT,
                "peak      %.0f GFLOP/s (f32, fused) on one thread, %.0f on %d; memory gives %.1f GB/s to one, %.1f to %d",
                peak.flops() / 1e9,
                peak.flopsOfAll() / 1e9,
                peak.threads(),
                peak.bytes() / 1e9,
                peak.bytesOfAll() / 1e9,
                peak.threads());
    }

    private static String text(
            Surroundings surroundings, List<Installed> models, Optional<Peak> peak, List<String> warnings) {
        List<String> lines = new ArrayList<>();
        lines.add("Java      " + Runtime.version() + ", " + System.getProperty("java.vm.name") + ", "
                + System.getProperty("java.home"));
        lines.add("vectors   " + (Kernels.vectorBits() == 0 ? "none" : Kernels.vectorBits() + " bits"));
        lines.add("threads   " + Runtime.getRuntime().availableProcessors());
        lines.add("memory    " + Units.bytes(Memory.available()) + " available of " + Units.bytes(Memory.total())
                + "; Java's heap may take " + Units.bytes(Runtime.getRuntime().maxMemory()));
        peak.ifPresent(figures -> lines.add(text(figures)));
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
