package dev.lectern.cli;

import dev.lectern.measure.Suite;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval ruler}. */
@Command(
        name = "ruler",
        customSynopsis = "lectern eval ruler [OPTIONS]",
        description = {
            "Ask about things hidden in long texts: the thirteen tasks of RULER, made anew (RULER-like).",
            "",
            "Each sample is as long as asked, answer included. A model is right in so far as its answer contains what was hidden. Finished"
                    + " samples are kept in the folder of --out and not computed again, so an interrupted run goes on where it"
                    + " stopped.",
            ""
        },
        footer = {
            "",
            "Tasks: niah_single_1 … 3, niah_multikey_1 … 3, niah_multivalue, niah_multiquery (needles in a haystack), vt (variable"
                    + " tracking), cwe (common words), fwe (frequent words), qa_1, qa_2 (questions about documents).",
            "",
            "Examples:",
            "  lectern eval ruler --model smollm2-135m --length 1024,2048,4096",
            "  lectern eval ruler --tasks vt,cwe,fwe --samples 10 --haystack novel.txt",
            "  lectern eval ruler --attention dense --attention topk:budget=2%% --attention oracle-sampling:budget=2%%",
            "",
            "Files ruler-MODEL.csv, .png and .svg have a line and a bar for each task, length and method.",
            "",
            TaskChoice.OBJECT
        })
final class RulerCommand implements Verb {
    @Mixin
    TaskChoice choice = new TaskChoice();

    @Option(names = "--tasks", paramLabel = "TASK", split = ",", description = "Which tasks. Default: all thirteen.")
    List<String> tasks = List.of();

    @Override
    public void run(Surroundings surroundings) {
        choice.print(choice.results(surroundings, Suite.RULER, tasks), surroundings.console());
    }
}
