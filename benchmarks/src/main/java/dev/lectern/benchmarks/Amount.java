package dev.lectern.benchmarks;

import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;

/** What was done in an iteration; JMH divides it by the time. */
@AuxCounters(AuxCounters.Type.OPERATIONS)
@State(Scope.Thread)
public class Amount {
    /** Multiplications and additions of numbers. */
    public double flops;

    /** That had to come from memory or caches, or go there. */
    public double bytes;

    void add(double flops, double bytes) {
        this.flops += flops;
        this.bytes += bytes;
    }
}
