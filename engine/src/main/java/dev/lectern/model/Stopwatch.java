package dev.lectern.model;

import dev.lectern.kernel.MatMul;
import dev.lectern.kernel.Workers;
import java.util.Arrays;
import jdk.jfr.FlightRecorder;
import org.jspecify.annotations.Nullable;

/**
 * Times the parts of steps for the flight recorder's {@code dev.lectern.Step} events. Where nobody records these, a part costs a look at a
 * field.
 */
public final class Stopwatch {
    private final Workers workers;
    private final long[] nanos = new long[Part.values().length];
    private @Nullable StepEvent event; // null while nobody records
    private long last;
    private long waitedBefore;

    Stopwatch(Workers workers) {
        this.workers = workers;
    }

    /**
     * A step begins.
     *
     * @param depth tokens before its first
     */
    void start(int depth, MatMul.Rows rows) {
        event = null;
        // The class of the event is not touched before somebody records: it alone would take milliseconds of each
        // start.
        if (FlightRecorder.isInitialized()) {
            StepEvent begun = new StepEvent();
            if (begun.isEnabled()) {
                begun.depth = depth;
                begun.singles = rows.singles();
                begun.chunked = rows.chunked();
                begun.begin();
                event = begun;
                waitedBefore = workers.waitedNanos();
                Arrays.fill(nanos, 0);
                last = System.nanoTime();
            }
        }
    }

    /** What was done since the last lap, or since the start, was this. */
    public void lap(Part part) {
        if (event != null) {
            long now = System.nanoTime();
            nanos[part.ordinal()] += now - last;
            last = now;
        }
    }

    /** The step is over. */
    public void stop() {
        StepEvent done = event;
        if (done != null) {
            done.end();
            done.waiting = workers.waitedNanos() - waitedBefore;
            done.embedding = nanos[Part.EMBEDDING.ordinal()];
            done.norms = nanos[Part.NORMS.ordinal()];
            done.queryKeyValue = nanos[Part.QUERY_KEY_VALUE.ordinal()];
            done.rotating = nanos[Part.ROTATING.ordinal()];
            done.attention = nanos[Part.ATTENTION.ordinal()];
            done.output = nanos[Part.OUTPUT.ordinal()];
            done.up = nanos[Part.UP.ordinal()];
            done.activation = nanos[Part.ACTIVATION.ordinal()];
            done.down = nanos[Part.DOWN.ordinal()];
            done.logits = nanos[Part.LOGITS.ordinal()];
            done.commit();
            event = null;
        }
    }
}
