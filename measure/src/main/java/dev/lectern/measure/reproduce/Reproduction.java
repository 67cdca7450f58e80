package dev.lectern.measure.reproduce;

import dev.lectern.LecternException;
import dev.lectern.Progress;
import dev.lectern.measure.Measurements;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/** Measures what is published, and writes the pages from the result files. */
public final class Reproduction {
    private static final List<Experiment> EXPERIMENTS = List.of(
            TaskExperiment.ruler(),
            new NeedleExperiment(),
            TaskExperiment.infinite(),
            new PerplexityExperiment(),
            new DivergenceExperiment(),
            new FormatTasksExperiment(),
            new FormatSpeedExperiment(),
            new KeptExperiment(),
            new ArithmeticExperiment(),
            new GeometryExperiment(),
            new AttentionExperiment(),
            new SparseExperiment(),
            new AnswerDivergenceExperiment(),
            new MethodTasksExperiment(),
            new MethodSpeedExperiment(),
            new ReadingExperiment(),
            new PrefillSpeedExperiment(),
            new HeadsExperiment(),
            new PrefillTasksExperiment());

    private Reproduction() {}

    /** What can be measured, in the order of the page. */
    public static List<String> names() {
        return EXPERIMENTS.stream().map(Experiment::name).toList();
    }

    /**
     * Measures.
     *
     * @param names of figures, or of their parts; all where it is empty
     * @param quick enough to see that everything works
     * @param room where results go; what was finished of tasks before is taken from there
     * @param progress told for each result what it is called
     * @return what was measured: parts. One that this commit has measured on this machine is left out unless its own name is given
     * @throws LecternException of kind {@code BAD_OPTION} if something is unknown, or nothing of it is measured quickly; of kind {@code CANCELLED} on request, and then what was finished is kept
     */
    public static List<String> measure(
            List<String> names, boolean quick, Room room, Function<String, ? extends Reporting> progress) {
        requireKnown(names, quick);
        List<String> measured = new ArrayList<>();
        for (Experiment experiment : EXPERIMENTS) {
            boolean whole = names.isEmpty() || names.contains(experiment.name());
            for (Experiment.Part part : experiment.parts(quick)) {
                boolean named = names.contains(part.name());
                if (named || (whole && (part.grows() || !room.has(part.name())))) {
                    room.cancellation().check();
                    try (Reporting reporting = progress.apply(part.name())) {
                        part.measuring().run(room.with(reporting), part.name());
                    }
                    measured.add(part.name());
                }
            }
        }
        return measured;
    }

    /** A progress that is over at some time. */
    public interface Reporting extends Progress, AutoCloseable {
        @Override
        void close();
    }

    private static void requireKnown(List<String> names, boolean quick) {
        Set<String> known = new HashSet<>(names());
        EXPERIMENTS.forEach(experiment -> experiment.parts(quick).forEach(part -> known.add(part.name())));
        for (Experiment experiment : EXPERIMENTS) {
            if (names.contains(experiment.name()) && experiment.parts(quick).isEmpty()) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        experiment.name() + " is not measured in a minute: give --full.");
            }
        }
        for (String name : names) {
            if (!known.contains(name)) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "There is no figure \"" + name + "\"; there are " + String.join(", ", names())
                                + ", and their parts, such as "
                                + EXPERIMENTS.getFirst().parts(quick).getFirst().name() + ".");
            }
        }
    }

    /**
     * Writes the pages {@code measurements.md} and {@code claims.md}, and draws their figures, from all result files that there are.
     *
     * @param docs the folder of the pages
     * @param results the folder of result files
     * @return the pages
     */
    public static List<Path> write(Path docs, Path results) {
        Path measurements = docs.resolve("measurements.md"), claims = docs.resolve("claims.md");
        String link = docs.toAbsolutePath()
                .relativize(results.toAbsolutePath())
                .toString()
                .replace('\\', '/');
        List<Path> written = new ArrayList<>();
        for (Experiment experiment : EXPERIMENTS) {
            experiment
                    .section(results, link)
                    .ifPresent(section ->
                            new Measurements(measurements).replace("reproduce " + experiment.name(), section));
        }
        written.add(measurements);
        new Measurements(claims).replace("reproduce claims", Claims.tables(results, link));
        written.add(claims);
        return written;
    }
}
