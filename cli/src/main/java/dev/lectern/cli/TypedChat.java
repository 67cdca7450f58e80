package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.reader.impl.DefaultParser;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** A conversation at a terminal, with a line editor and a history. */
final class TypedChat {
    private static final String PROMPT = "> ";

    private final Surroundings surroundings;
    private final Conversation conversation;
    private final String model;

    /** The request to stop the answer that is being written, or the last one. */
    private volatile Cancellation answering = new Cancellation();

    TypedChat(Surroundings surroundings, Conversation conversation, String model) {
        this.surroundings = surroundings;
        this.conversation = conversation;
        this.model = model;
    }

    void run() {
        Console console = surroundings.console();
        try (Terminal terminal = TerminalBuilder.builder().system(true).build()) {
            terminal.handle(Terminal.Signal.INT, signal -> answering.cancel());
            LineReader reader = reader(terminal);
            console.note("Talking with " + model + ". /help lists what else can be typed; Ctrl-D leaves.");
            while (true) {
                String line;
                try {
                    line = reader.readLine(PROMPT).strip();
                } catch (UserInterruptException e) {
                    continue;
                } catch (EndOfFileException e) {
                    return;
                }
                if (!line.isEmpty()) {
                    Cancellation cancellation = new Cancellation();
                    answering = cancellation;
                    if (!conversation.take(line, cancellation)) {
                        return;
                    }
                }
            }
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.INTERNAL, "The terminal cannot be used (" + e.getMessage() + ").", e);
        }
    }

    private LineReader reader(Terminal terminal) {
        // A message is not a shell command: quotes and backslashes in it mean nothing.
        DefaultParser parser = new DefaultParser().quoteChars(new char[0]).escapeChars(new char[0]);
        LineReaderBuilder builder = LineReaderBuilder.builder()
                .terminal(terminal)
                .appName("lectern")
                .parser(parser)
                .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true);
        Path folder = surroundings.stateFolder();
        try {
            Files.createDirectories(folder);
            builder.variable(LineReader.HISTORY_FILE, folder.resolve("chat-history"));
        } catch (IOException e) {
            surroundings
                    .console()
                    .warn(folder + " cannot be made (" + e.getMessage() + "), so what you type is not remembered.");
        }
        return builder.build();
    }
}
