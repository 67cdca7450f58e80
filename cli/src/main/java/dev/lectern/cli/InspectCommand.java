package dev.lectern.cli;

import dev.lectern.model.Families;
import dev.lectern.weights.ModelFile;
import dev.lectern.weights.ModelFiles;
import dev.lectern.weights.Quoted;
import java.lang.reflect.Array;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lectern inspect}. */
@Command(
        name = "inspect",
        customSynopsis = "lectern inspect [OPTIONS] [MODEL]",
        description = {"Show what a model file says about itself, and its tensors.", ""},
        footer = {
            "",
            "Examples:",
            "  lectern inspect smollm2-135m",
            "  lectern inspect model.gguf --json | jq .metadata",
            "",
            "The object of --json: format (gguf, safetensors or config), architecture, metadata (complete, the vocabulary"
                    + " too), tensors [{name, type, shape, bytes}], shapes with the outermost dimension first."
        })
final class InspectCommand implements Verb {
    private static final int SHOWN = 8;
    private static final int LONGEST = 100;
    private static final int LONGEST_NAME = 80;

    @Parameters(
            arity = "0..1",
            paramLabel = "MODEL",
            description = {"A name, a GGUF file, a folder or a config.json. Default: that of", "--model."})
    @Nullable
    String argument;

    @Option(names = "--model", paramLabel = "MODEL", description = "The same. Default: qwen2.5-coder-0.5b.")
    @Nullable
    String model;

    @Mixin
    OutputChoice output = new OutputChoice();

    @Spec
    CommandSpec spec = CommandSpec.create();

    private record Row(String name, String type, List<Long> shape, long bytes) {}

    @Override
    public void run(Surroundings surroundings) {
        ModelChoice.Located located = ModelChoice.locate(surroundings, ModelChoice.named(spec, argument, model));
        try (ModelFile file = ModelFiles.open(located.path())) {
            List<Row> rows = new ArrayList<>();
            file.tensors().forEach(t -> rows.add(new Row(t.name(), t.type().name(), t.shape(), t.bytes())));
            file.unreadable().forEach(t -> rows.add(new Row(t.name(), t.type(), t.shape(), t.bytes())));
            surroundings.console().print(output.json ? json(file, rows) : text(file, rows));
        }
    }

    private static String json(ModelFile file, List<Row> rows) {
        Map<String, Object> object = new LinkedHashMap<>();
        object.put("format", file.format());
        object.put("architecture", Families.architecture(file));
        Map<String, @Nullable Object> metadata = new LinkedHashMap<>();
        for (String key : file.metadata().keys()) {
            metadata.put(key, file.metadata().value(key));
        }
        object.put("metadata", metadata);
        List<Map<String, Object>> tensors = new ArrayList<>();
        for (Row row : rows) {
            Map<String, Object> tensor = new LinkedHashMap<>();
            tensor.put("name", row.name());
            tensor.put("type", row.type());
            tensor.put("shape", row.shape());
            tensor.put("bytes", row.bytes());
            tensors.add(tensor);
        }
        object.put("tensors", tensors);
        return JsonText.of(object) + "\n";
    }

    private static String text(ModelFile file, List<Row> rows) {
        StringBuilder text = new StringBuilder();
        text.append("format        ").append(file.format()).append('\n');
        text.append("architecture  ").append(name(Families.architecture(file))).append('\n');
        text.append("\nmetadata\n");
        for (String key : file.metadata().keys()) {
            text.append("  ")
                    .append(name(key))
                    .append(" = ")
                    .append(shown(file.metadata().value(key)))
                    .append('\n');
        }
        long bytes = rows.stream().mapToLong(Row::bytes).sum();
        text.append("\n")
                .append(rows.size())
                .append(" tensors, ")
                .append(Units.bytes(bytes))
                .append('\n');
        int width = rows.stream()
                .mapToInt(row -> Math.min(row.name().length(), LONGEST_NAME))
                .max()
                .orElse(0);
        for (Row row : rows) {
            String shape = row.shape().stream().map(String::valueOf).collect(Collectors.joining(" × "));
            text.append(String.format(
                    Locale.ROOT,
                    "  %-" + Math.max(1, width) + "s  %-5s %-16s %9s%n",
                    name(row.name()),
                    row.type(),
                    shape,
                    Units.bytes(row.bytes())));
        }
        return text.toString();
    }

    private static String name(String name) {
        return Quoted.escaped(name, LONGEST_NAME);
    }

    private static String shown(@Nullable Object value) {
        if (value != null && value.getClass().isArray()) {
            int length = Array.getLength(value);
            List<String> first = new ArrayList<>();
            for (int i = 0; i < Math.min(length, SHOWN); i++) {
                first.add(shortened(String.valueOf(Array.get(value, i))));
            }
            return first + (length > SHOWN ? " … " + length + " in all" : "");
        }
        return shortened(String.valueOf(value));
    }

    private static String shortened(String text) {
        String line = text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r");
        String shown = Quoted.escaped(line, LONGEST);
        return line.length() <= LONGEST ? shown : shown + " (" + text.length() + " characters)";
    }
}
