package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.KeptSpeed;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a document that is kept on the disk saves. Timed: it wants an idle machine. */
record KeptExperiment() implements Experiment {
    private static final String PREFIX = "kept-";
    private static final String QUESTION = "Which harbour is this about?";

    @Override
    public String name() {
        return "kept";
    }

    @Override
    public List<Part> parts(boolean quick) {
        return (quick ? List.<String>of() : MODELS)
                .stream()
                        .map(model -> new Part(PREFIX + model, (room, name) -> {
                            String document = room.text(Room.REPORT) + "\n" + room.text(Room.PROGRAM) + "\n"
                                    + room.text(Room.PROGRAM).toUpperCase(Locale.ROOT);
                            room.keep(
                                    name,
                                    KeptSpeed.run(
                                                    room.model(model),
                                                    room.options(),
                                                    room.lectern(),
                                                    document,
                                                    QUESTION,
                                                    room.progress(),
                                                    room.cancellation())
                                            .toJson());
                        }))
                        .toList();
    }

    @Override
    public Optional<String> section(Path results, String link) {
        List<ResultFile> files = ResultFile.all(results, PREFIX);
        if (files.isEmpty()) {
            return Optional.empty();
        }
        StringBuilder text = new StringBuilder(
                Pages.heading(
                        "What a kept document saves",
                        "A fresh process reads a document and keeps it; others, each fresh too, answer a question about it: seconds from the model being ready to the first token, the median. Most of them"
                                + " go into compiling what the question takes.\n\n"
                                + "| model | tokens | reading, s | first token, s | one to |\n| --- | --: | --: | --: | --: |"));
        for (ResultFile file : files) {
            JsonFields row = file.get(json -> json.objects("results").getFirst());
            double reading = row.number("readingSeconds"), first = row.number("firstTokenSeconds");
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.2f | %.1f |\n",
                    file.model(),
                    row.whole("tokens"),
                    reading,
                    first,
                    reading / first));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
