package dev.lectern.cli;

import dev.lectern.LecternException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Why a run ends without a result.
 *
 * @param cause for a developer; shown where the fault is Lectern's own and {@code LECTERN_DEBUG} is set
 */
record Failure(LecternException.Kind kind, String message, Optional<Throwable> cause) {
    private static final int LONGEST = 2000;

    static Failure of(Throwable thrown) {
        return switch (thrown) {
            case LecternException e -> new Failure(e.kind(), text(e), Optional.of(e));
            case OutOfMemoryError e -> new Failure(LecternException.Kind.NO_MEMORY, memory(e), Optional.of(e));
            case StackOverflowError e ->
                new Failure(
                        LecternException.Kind.INTERNAL,
                        "Something is nested more deeply than Lectern follows. If the input is an ordinary one, please report"
                                + " it; LECTERN_DEBUG=1 shows where it happened.",
                        Optional.of(e));
            default ->
                new Failure(
                        LecternException.Kind.INTERNAL,
                        "A fault of Lectern itself (" + shortened(thrown.toString())
                                + "). Please report it with the output of the same command under LECTERN_DEBUG=1.",
                        Optional.of(thrown));
        };
    }

    /** A command line that cannot be understood. */
    static Failure of(ParameterException e, Optional<Settings> settings) {
        StringBuilder message =
                new StringBuilder(e instanceof UnmatchedArgumentException u ? unmatched(u) : plain(text(e).strip()));
        if (message.isEmpty() || ".!?".indexOf(message.charAt(message.length() - 1)) < 0) {
            message.append('.');
        }
        if (e.getArgSpec() != null) {
            settings.flatMap(known -> known.source(e.getArgSpec()))
                    .ifPresent(source ->
                            message.append(" It was taken from ").append(source).append('.'));
        }
        if (e instanceof UnmatchedArgumentException unmatched) {
            List<String> suggestions = unmatched.getSuggestions();
            if (!suggestions.isEmpty()) {
                message.append(" Did you mean ")
                        .append(String.join(" or ", suggestions.subList(0, Math.min(3, suggestions.size()))))
                        .append('?');
            }
        }
        CommandLine where = e.getCommandLine();
        message.append(" \"")
                .append(where.getCommandSpec().qualifiedName())
                .append(" --help\" tells what can be given.");
        return new Failure(LecternException.Kind.BAD_OPTION, message.toString(), Optional.empty());
    }

    private static String unmatched(UnmatchedArgumentException e) {
        String argument = e.getUnmatched().getFirst();
        if (e.isUnknownOption()) {
            return "There is no option " + argument + ".";
        }
        return e.getCommandLine().getParent() == null
                ? "There is no verb \"" + argument + "\"; there are "
                        + String.join(", ", e.getCommandLine().getSubcommands().keySet()) + "."
                : "There is no place for the argument \"" + argument + "\": put a text of several words in quotes.";
    }

    /** Without the names of Java's types. */
    private static String plain(String message) {
        return message.replaceAll("is not an? (int|long)\\b", "is not a whole number")
                .replaceAll("is not an? (double|float)\\b", "is not a number");
    }

    private static String text(Throwable thrown) {
        String message = thrown.getMessage();
        return message == null ? thrown.toString() : message;
    }

    private static String memory(OutOfMemoryError e) {
        String reason = text(e);
        if (reason.toLowerCase(Locale.ROOT).contains("heap")) {
            return "Java's heap of " + Units.bytes(Runtime.getRuntime().maxMemory())
                    + " is too small for this: give it more (LECTERN_JAVA_OPTS=-Xmx4g), or read less at once.";
        }
        return "The operating system gives no more memory (" + shortened(reason)
                + "): ask for a shorter --ctx, a smaller model, or stop other programs.";
    }

    private static String shortened(String text) {
        String line = text.lines().findFirst().orElse("");
        return line.length() <= LONGEST ? line : line.substring(0, LONGEST) + "…";
    }

    int exitCode() {
        return kind.exitCode();
    }

    String json() {
        Map<String, Object> error = new LinkedHashMap<>();
        error.put("kind", kind.code());
        error.put("message", message);
        return JsonText.of(Map.of("error", error));
    }
}
