package dev.lectern.kernel;

import com.sun.management.HotSpotDiagnosticMXBean;
import java.lang.management.ManagementFactory;
import java.util.Set;

/**
 * Multiplication and addition in one, with one rounding, where the processor has it. Where it has not, {@link Math#fma} computes with
 * {@link java.math.BigDecimal}, in a thousand times the time; there both are rounded.
 */
public final class Fused {
    private static final boolean HERE = find();

    private Fused() {}

    /** {@code a * b + c}. */
    public static float multiplyAdd(float a, float b, float c) {
        return HERE ? Math.fma(a, b, c) : a * b + c;
    }

    /** Whether this processor has it, and Java may use it. */
    static boolean isHere() {
        return HERE;
    }

    private static boolean find() {
        if (!Set.of("amd64", "x86_64").contains(System.getProperty("os.arch", ""))) {
            return true; // every other kind of processor that Java runs on
        }
        try {
            HotSpotDiagnosticMXBean options = ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class);
            return options == null || options.getVMOption("UseFMA").getValue().equals("true");
        } catch (IllegalArgumentException | LinkageError e) {
            return true; // not HotSpot
        }
    }
}
