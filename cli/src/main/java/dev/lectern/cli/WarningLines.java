package dev.lectern.cli;

import java.text.MessageFormat;
import java.util.Locale;
import java.util.MissingResourceException;
import java.util.ResourceBundle;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Turns the warnings of the engine, which it gives to {@link System.Logger}, into lines on standard error. Found by the
 * JDK through {@code META-INF/services}.
 */
public final class WarningLines extends System.LoggerFinder {
    private static volatile Consumer<String> sink = sentence -> System.err.println("lectern: warning: " + sentence);

    /** Where warnings go from now on. */
    static void to(Consumer<String> warnings) {
        sink = warnings;
    }

    @Override
    public System.Logger getLogger(String name, Module module) {
        return new Line(name);
    }

    /** Lets warnings and errors pass. */
    private record Line(String name) implements System.Logger {
        @Override
        public String getName() {
            return name;
        }

        @Override
        public boolean isLoggable(Level level) {
            return level.getSeverity() >= Level.WARNING.getSeverity() && level != Level.OFF && isOurs();
        }

        /** What the JDK itself logs is not addressed to someone who asks a document a question. */
        private boolean isOurs() {
            return name.startsWith("dev.lectern");
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String message, @Nullable Throwable thrown) {
            if (isLoggable(level)) {
                sink.accept(text(bundle, message) + (thrown == null ? "" : " (" + thrown + ")"));
            }
        }

        @Override
        public void log(
                Level level, @Nullable ResourceBundle bundle, @Nullable String format, @Nullable Object... parameters) {
            if (isLoggable(level)) {
                String pattern = text(bundle, format);
                sink.accept(
                        parameters == null || parameters.length == 0
                                ? pattern
                                : new MessageFormat(pattern, Locale.ROOT).format(parameters));
            }
        }

        private static String text(@Nullable ResourceBundle bundle, @Nullable String key) {
            if (bundle != null && key != null) {
                try {
                    return bundle.getString(key);
                } catch (MissingResourceException e) {
                    return key;
                }
            }
            return String.valueOf(key);
        }
    }
}
