package dev.lectern.cli;

import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.SessionOptions;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code lectern chat}. */
@Command(
        name = "chat",
        customSynopsis = "lectern chat [OPTIONS]",
        description = {
            "Talk with a model.",
            "",
            "What was said stays read: each turn costs only what is new. Where standard input is not a"
                    + " terminal, each of its lines is one turn.",
            ""
        },
        footer = {
            "",
            "While chatting:",
            "  /system TEXT   begin anew, and tell the model TEXT first",
            "  /reset         begin anew",
            "  /help          list these commands",
            "  /exit          leave (so does Ctrl-D)",
            "  Ctrl-C         stop the answer",
            "",
            "Text that is pasted may have several lines. What you type is remembered in ~/.local/state/lectern/chat-history"
                    + " (XDG_STATE_HOME is honoured).",
            "",
            "Examples:",
            "  lectern chat --system \"Answer in one sentence.\"",
            "  printf 'Who wrote Faust?\\nWhen?\\n' | lectern chat --max-tokens 60"
        })
final class ChatCommand implements Verb {
    @Option(
            names = "--system",
            paramLabel = "TEXT",
            description = {"What the model is told before the conversation. Default: what its", "template says."})
    @Nullable
    String system;

    @Option(
            names = "--thinking",
            paramLabel = "on|off",
            description = {
                "Whether a model that can think aloud does so before it answers.",
                "Default: as the model's template says."
            })
    @Nullable
    Switch thinking;

    @Mixin
    ModelChoice modelChoice = new ModelChoice();

    @Mixin
    AnswerChoice answerChoice = new AnswerChoice();

    @Mixin
    SessionChoice sessionChoice = new SessionChoice();

    @Mixin
    ComputeChoice computeChoice = new ComputeChoice();

    @Mixin
    RepackChoice repackChoice = new RepackChoice();

    @Override
    public void run(Surroundings surroundings) {
        Console console = surroundings.console();
        GenerateOptions options = answerChoice.options();
        answerChoice.warnOfNoEffect(console, 1);
        SessionOptions sessionOptions = sessionChoice.options();
        ModelChoice.Located located = modelChoice.locate(surroundings);
        try (Model model = repackChoice.open(surroundings, located, computeChoice.options());
                Session session = model.newSession(fitting(console, model, sessionOptions))) {
            Conversation conversation = new Conversation(
                    surroundings,
                    model,
                    located,
                    session,
                    options,
                    Optional.ofNullable(thinking).map(Switch::isOn));
            conversation.begin(system == null ? "" : system);
            if (console.terminals().in() && console.terminals().out()) {
                new TypedChat(surroundings, conversation, located.name()).run();
            } else {
                run(surroundings, conversation);
                conversation.failure().ifPresent(failure -> {
                    throw new LecternException(
                            failure.kind(), "Not every turn was answered; what was wrong is said above.", failure);
                });
            }
        }
    }

    /** A context for which there is memory: all of the model's, or the largest part of it by halves, and then it says so. */
    private static SessionOptions fitting(Console console, Model model, SessionOptions options) {
        if (options.context() != 0) {
            return options;
        }
        int context = model.context();
        while (context > 1024) {
            var estimate = model.estimate(options.withContext(context), 1);
            if (estimate.kv() + estimate.besideCache() <= estimate.available()) {
                break;
            }
            context /= 2;
        }
        if (context < model.context()) {
            console.warn("There is memory for a conversation of " + context + " tokens, not for all " + model.context()
                    + " that the model could hold; --kv and --ctx choose otherwise.");
        }
        return options.withContext(context);
    }

    /** One turn for each line. */
    private static void run(Surroundings surroundings, Conversation conversation) {
        Console console = surroundings.console();
        Optional<String> line = console.in().line();
        while (line.isPresent()) {
            if (!line.get().isBlank()) {
                if (!conversation.take(line.get().strip(), surroundings.cancellation())) {
                    return;
                }
                if (surroundings.cancellation().isCancelled()) {
                    throw new LecternException(LecternException.Kind.CANCELLED, "Stopped on request.");
                }
            }
            line = console.in().line();
        }
    }
}
