package dev.lectern.model;

import jdk.jfr.Category;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;
import jdk.jfr.Timespan;

/** What the JDK's flight recorder is told of a step through a model: its rows, and the nanoseconds of each {@link Part}. */
@Name(StepEvent.NAME)
@Label("Step")
@Category("Lectern")
@Description("A step of tokens through a model")
@StackTrace(false)
final class StepEvent extends Event {
    static final String NAME = "dev.lectern.Step";

    @Label("Depth")
    @Description("Tokens before the first of the step")
    int depth;

    @Label("Singles")
    @Description("Sequences that the step takes one token of")
    int singles;

    @Label("Chunk rows")
    @Description("Tokens that are read together with others of their sequence")
    int chunked;

    @Label("Waiting")
    @Description("What the caller waited for other threads, in all parts")
    @Timespan(Timespan.NANOSECONDS)
    long waiting;

    @Timespan(Timespan.NANOSECONDS)
    long embedding;

    @Timespan(Timespan.NANOSECONDS)
    long norms;

    @Timespan(Timespan.NANOSECONDS)
    long queryKeyValue;

    @Timespan(Timespan.NANOSECONDS)
    long rotating;

    @Timespan(Timespan.NANOSECONDS)
    long attention;

    @Timespan(Timespan.NANOSECONDS)
    long output;

    @Timespan(Timespan.NANOSECONDS)
    long up;

    @Timespan(Timespan.NANOSECONDS)
    long activation;

    @Timespan(Timespan.NANOSECONDS)
    long down;

    @Timespan(Timespan.NANOSECONDS)
    long logits;
}
