package dev.lectern.cli;

import picocli.CommandLine.Command;

/** {@code lectern eval}: the verbs that find out how good answers are. */
@Command(
        name = "eval",
        customSynopsis = "lectern eval WHAT [OPTIONS]",
        description = {"Find out how good a model's answers are.", ""},
        commandListHeading = "%nWhat:%n",
        subcommands = {
            RulerCommand.class,
            InfiniteCommand.class,
            NeedleCommand.class,
            LongQaCommand.class,
            PerplexityCommand.class,
            DivergenceCommand.class,
            AnswerDivergenceCommand.class,
            AttentionCommand.class,
            ReproduceCommand.class
        },
        footer = {
            "",
            "Examples:",
            "  lectern eval ruler --model smollm2-135m --length 1024,2048",
            "  lectern eval longqa examples/harbour-questions.jsonl",
            "  lectern eval kld --kv bf16 --text chapter.txt"
        })
final class EvalCommand {}
