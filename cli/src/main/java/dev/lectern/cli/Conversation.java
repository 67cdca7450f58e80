package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.GenerateOptions;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.Session;
import dev.lectern.text.ChatMessage;
import dev.lectern.text.ChatPrompt;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * A conversation that keeps what it has read. Every turn is written anew by the model's template; the session is cut back to
 * where that differs from what it holds (a template may tell earlier turns otherwise, without what was thought), and reads
 * on from there.
 */
final class Conversation {
    private static final String HELP = """
            /system TEXT   begin anew, and tell the model TEXT first
            /reset         begin anew
            /help          this list
            /exit          leave (so does Ctrl-D)
            Ctrl-C         stop the answer
            """;

    private final Surroundings surroundings;
    private final Model model;
    private final ModelChoice.Located located;
    private final Session session;
    private final GenerateOptions options;
    private final Optional<Boolean> thinking;
    private final List<ChatMessage> messages = new ArrayList<>();
    private Optional<LecternException> failure = Optional.empty();

    /** @throws LecternException of kind {@code BAD_OPTION} if the model has no template */
    Conversation(
            Surroundings surroundings,
            Model model,
            ModelChoice.Located located,
            Session session,
            GenerateOptions options,
            Optional<Boolean> thinking) {
        this.surroundings = surroundings;
        this.model = model;
        this.located = located;
        this.session = session;
        this.options = options;
        this.thinking = thinking;
        Prompt.template(model);
    }

    /** Forgets what was said. The common beginning of the next prompt stays read. */
    void begin(String system) {
        messages.clear();
        if (!system.isBlank()) {
            messages.add(new ChatMessage("system", system));
        }
    }

    /**
     * A command or a turn. What goes wrong in a turn is said, and the conversation goes on.
     *
     * @return whether the conversation goes on
     */
    boolean take(String text, Cancellation cancellation) {
        Console console = surroundings.console();
        String command = text.split("\\s", 2)[0];
        switch (command) {
            case "/exit", "/quit" -> {
                return false;
            }
            case "/help" -> console.note(HELP.stripTrailing());
            case "/reset" -> {
                begin(messages.stream()
                        .filter(message -> message.role().equals("system"))
                        .map(ChatMessage::content)
                        .findFirst()
                        .orElse(""));
                console.note("A new conversation.");
            }
            case "/system" -> {
                begin(text.substring(command.length()).strip());
                console.note(messages.isEmpty() ? "A new conversation, nothing told first." : "A new conversation.");
            }
            default -> {
                if (command.matches("/[a-z]+")) {
                    console.note("There is no command " + command + "; /help lists them.");
                } else {
                    turn(text, cancellation);
                }
            }
        }
        return true;
    }

    private void turn(String text, Cancellation cancellation) {
        Console console = surroundings.console();
        messages.add(new ChatMessage("user", text));
        Answering answering = new Answering(surroundings.with(cancellation), model, located, 0);
        try {
            Outcome outcome = say(answering);
            String answer = outcome.answers().getFirst();
            console.print(answer.endsWith("\n") ? "" : "\n");
            remember(answer, outcome.thinking().getFirst());
            console.aside(outcome.statistics() + "\n");
        } catch (LecternException e) {
            failure = Optional.of(e);
            String begun = answering.begun();
            console.print(begun.isEmpty() || begun.endsWith("\n") ? "" : "\n");
            if (begun.isEmpty()) {
                messages.removeLast();
            } else {
                remember(begun, "");
            }
            String remedy = e.kind() == LecternException.Kind.TOO_LONG ? " /reset begins a new conversation." : "";
            console.note("lectern: " + e.getMessage() + remedy);
        }
    }

    /** What went wrong in the last turn that failed. */
    Optional<LecternException> failure() {
        return failure;
    }

    private void remember(String answer, String thought) {
        ChatMessage message = new ChatMessage("assistant", answer);
        messages.add(thought.isEmpty() ? message : message.withReasoning(thought));
    }

    private Outcome say(Answering answering) {
        long ready = System.nanoTime();
        ChatPrompt chat = Prompt.conversation(model, messages, thinking);
        Prompt prompt = new Prompt(chat.ids(), 0, 0, chat.thinking());
        Lengths lengths = Lengths.of(
                located.name(),
                model.context(),
                prompt.length(),
                options.maxTokens(),
                OptionalInt.of(session.context()),
                surroundings.hub().catalogue());
        int common = Arrays.mismatch(session.tokens(), prompt.tokens());
        session.truncate(common < 0 ? prompt.length() : common);
        return answering.answer(
                session, prompt, session.length(), 1, options.withMaxTokens(lengths.maxTokens()), true, ready, 0);
    }
}
