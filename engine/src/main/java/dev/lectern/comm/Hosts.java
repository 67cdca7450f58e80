package dev.lectern.comm;

import java.util.Optional;
import java.util.ServiceLoader;

/** The hosts that this process was started on together with others. */
public final class Hosts {
    private Hosts() {}

    /** What started this process as one of several, such as {@code mpirun}; empty if it was started alone. */
    public static Optional<Launcher> launcher() {
        for (Launcher launcher : ServiceLoader.load(Launcher.class, Hosts.class.getClassLoader())) {
            if (launcher.launched()) {
                return Optional.of(launcher);
            }
        }
        return Optional.empty();
    }
}
