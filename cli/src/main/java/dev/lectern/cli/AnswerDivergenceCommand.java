package dev.lectern.cli;

import dev.lectern.measure.AnswerDivergenceEval;
import dev.lectern.measure.AnswerDivergenceResult;
import dev.lectern.measure.BenchModel;
import dev.lectern.measure.Suite;
import dev.lectern.measure.TaskOptions;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern eval answer-kld}. */
@Command(
        name = "answer-kld",
        customSynopsis = "lectern eval answer-kld [OPTIONS]",
        description = {
            "Say how far methods of attention lead a model away from itself in answers about long texts.",
            "",
            "RULER-like prompts are read exactly, or by --prefill. After a prompt, and after each of the first 16 tokens of the answer that dense attention"
                    + " gives, what the model expects next by each method is compared with what it expects by dense attention: mean"
                    + " Kullback-Leibler divergence in nats, its 99th percentile, and how often the likeliest token is the same. It"
                    + " tells methods apart by far fewer samples than scores do.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  lectern eval answer-kld --tasks vt,qa_1 --length 4096 --samples 3 --attention pps:budget=5%% --attention topk:budget=2%%",
            "  lectern eval answer-kld --protocol A,B --attention magicpig:dense=none",
            "  lectern eval answer-kld --tasks vt --length 4096 --prefill star --prefill apb:compressor=heads",
            "",
            "The object of --json: results [{metric (kld), task, method, kv, protocol, length, meanKl, p99Kl, sameTop1, bytesRead (for a"
                    + " token that attention saw, index included), density, samples (tokens after which was compared)}], model,"
                    + " sha256, haystack, seed, threads, command, commit, date, machine. Files answer-kld-MODEL.csv, .png and .svg have the same."
        })
final class AnswerDivergenceCommand implements Verb {
    @Mixin
    TaskChoice choice = new TaskChoice();

    @Option(names = "--tasks", paramLabel = "TASK", split = ",", description = "Which tasks. Default: all thirteen.")
    List<String> tasks = List.of();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        TaskOptions options = choice.options(console, TaskOptions.DEFAULT.withSuite(Suite.RULER))
                .withTasks(tasks);
        BenchModel subject = choice.eval.subject(surroundings);
        AnswerDivergenceResult result;
        try (ProgressLine line = new ProgressLine(console, "comparing", ProgressLine.Unit.WORK, 0, -1)) {
            result = AnswerDivergenceEval.run(
                    subject, choice.eval.compute.options(), options, line, surroundings.cancellation());
        }
        String name = "answer-kld-" + subject.name();
        console.wrote(result.writeCsv(choice.eval.out(), name));
        result.writeFigure(choice.eval.out(), name).forEach(console::wrote);
        if (choice.output.json) {
            console.printLine(result.toJson());
        } else {
            console.print(result.table());
        }
    }
}
