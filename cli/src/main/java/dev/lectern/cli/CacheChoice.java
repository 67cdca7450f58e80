package dev.lectern.cli;

import dev.lectern.KeptReadings;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Whether what is read is kept, and how much. */
final class CacheChoice {
    private static final Pattern KEPT_NAME = Pattern.compile("@[a-z0-9_-][a-z0-9._-]*");

    @Option(
            names = "--no-cache",
            description = {
                "Neither use nor keep on the disk what is read. Otherwise it is",
                "kept in the cache folder, and read once."
            })
    boolean noCache;

    @Option(
            names = "--cache-bytes",
            paramLabel = "N",
            description = {
                "Bytes of the disk for what is kept; what was used longest ago",
                "goes first. Default: 20000000000."
            })
    @Nullable
    Long cacheBytes;

    /** Whether an argument is the name of what was read: {@code @report}. */
    static boolean isKeptName(String argument) {
        return KEPT_NAME.matcher(argument).matches();
    }

    /** A name without the sign that commands may put in front of it. */
    static String plain(String name) {
        return name.startsWith("@") ? name.substring(1) : name;
    }

    /** Whether what is read is kept. */
    boolean isOn() {
        return !noCache;
    }

    /** Where readings are kept. */
    KeptReadings store(Surroundings surroundings) {
        return store(surroundings, cacheBytes == null ? KeptReadings.DEFAULT_BYTES : cacheBytes);
    }

    static KeptReadings store(Surroundings surroundings, long maxBytes) {
        return new KeptReadings(surroundings.hub().cacheFolder().resolve("kv"), maxBytes);
    }
}
