package dev.lectern.cli;

import dev.lectern.measure.Suite;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval infinite}. */
@Command(
        name = "infinite",
        customSynopsis = "lectern eval infinite [OPTIONS]",
        description = {
            "Ask for numbers and keys in long texts: the tasks of InfiniteBench that need no books, made anew (InfiniteBench-like).",
            "",
            "Each sample is as long as asked, answer included. Finished samples are kept in the folder of --out and not computed"
                    + " again, so an interrupted run goes on where it stopped.",
            ""
        },
        footer = {
            "",
            "Tasks: passkey (a short number in noise), number_string (a long one with repeated digits), kv_retrieval (the value of a key"
                    + " in a JSON object), math_find (the largest, smallest … of a list of numbers).",
            "",
            "Examples:",
            "  lectern eval infinite --model smollm2-135m --length 2048,4096",
            "  lectern eval infinite --tasks passkey,kv_retrieval --length 16384 --samples 5",
            "",
            TaskChoice.OBJECT
        })
final class InfiniteCommand implements Verb {
    @Mixin
    TaskChoice choice = new TaskChoice();

    @Option(names = "--tasks", paramLabel = "TASK", split = ",", description = "Which tasks. Default: all four.")
    List<String> tasks = List.of();

    @Override
    public void run(Surroundings surroundings) {
        choice.print(choice.results(surroundings, Suite.INFINITE, tasks), surroundings.console());
    }
}
