package dev.lectern.cli;

import dev.lectern.measure.NeedleGrid;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskResults;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval needle}. */
@Command(
        name = "needle",
        customSynopsis = "lectern eval needle [OPTIONS]",
        description = {
            "Ask for one sentence hidden in prose: at every length, and at every depth of the text (a needle in a haystack).",
            "",
            "Finished samples are kept in the folder of --out and not computed again, so an interrupted run goes on where it stopped.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern eval needle --model smollm2-135m --length 1024,2048,4096,8192",
            "  lectern eval needle --length 8192 --positions 0,50,100 --samples 5 --haystack novel.txt",
            "",
            "Results are called needle_DEPTH. " + TaskChoice.OBJECT
        })
final class NeedleCommand implements Verb {
    @Mixin
    TaskChoice choice = new TaskChoice();

    @Option(
            names = "--positions",
            paramLabel = "PERCENT",
            split = ",",
            description = {"Depths of the needle, 0…100 (the end of the text). Default:", "0,10,20,…,100."})
    List<Integer> positions = List.of(0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100);

    @Override
    public void run(Surroundings surroundings) {
        choice.samples = choice.samples == null ? 1 : choice.samples;
        TaskResults results = choice.results(surroundings, Suite.needle(positions), List.of());
        Console console = surroundings.console();
        choice.print(results, console, new NeedleGrid(results)::table);
    }
}
