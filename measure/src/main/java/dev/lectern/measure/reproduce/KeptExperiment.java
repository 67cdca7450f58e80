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
    private static final List<String> QUESTIONS =
            List.of("Which harbour is this about?", "Who wrote the report?", "What does the program do?");

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
                                                    QUESTIONS,
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
                        "A fresh process reads a document and keeps it; others, each fresh too, answer questions about it one after another: seconds from the model being ready to the first token of the first answer,"
                                + " and to that of an answer after it, medians. *Found* is the time in which the kept pages are found, checked and mapped. Most of the first answer's time goes into compiling what a question takes.\n\n"
                                + "| model | tokens | reading, s | found, s | first answer, s | one to | later answer, s | one to |\n| --- | --: | --: | --: | --: | --: | --: | --: |"));
        for (ResultFile file : files) {
            JsonFields row = file.get(json -> json.objects("results").getFirst());
            double reading = row.number("readingSeconds");
            double first = row.number("firstTokenSeconds"), later = row.number("laterFirstTokenSeconds");
            text.append(String.format(
                    Locale.ROOT,
                    "| %s | %d | %.1f | %.3f | %.2f | %.1f | %.2f | %.1f |\n",
                    file.model(),
                    row.whole("tokens"),
                    reading,
                    row.number("findingSeconds"),
                    first,
                    reading / first,
                    later,
                    reading / later));
        }
        return Optional.of(text.append(Pages.provenance(files, link)).toString());
    }
}
