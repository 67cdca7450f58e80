package dev.lectern.benchmarks;

import dev.lectern.Cancellation;
import dev.lectern.Progress;
import dev.lectern.kernel.Kernels;
import dev.lectern.kernel.Peak;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.infra.BenchmarkParams;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

/** Runs benchmarks with the vector kernels and with the scalar ones, and sets both beside the most that this machine gives. */
public final class Benchmarks {
    private static final String HELP = """
            scripts/jmh [--quick] [REGEX…]

            Times kernels with JMH, on one thread, each also by its scalar specification, and says what share of the measured peak
            they reach. REGEX chooses benchmarks by class and method: 'MatMul.*single', 'Attention', 'Elementwise', 'Rope'.
            --quick takes three seconds instead of eight for each: enough to see whether something is wrong.
            """;
    private static final String QUICK = "--quick";
    private static final long PEAK_BYTES = 512L << 20;

    private Benchmarks() {}

    /** Runs the benchmarks that are named. */
    public static void main(String[] arguments) throws RunnerException {
        List<String> expressions = new ArrayList<>(Arrays.asList(arguments));
        if (expressions.contains("--help")) {
            System.out.print(HELP);
            return;
        }
        boolean quick = expressions.remove(QUICK);
        Peak peak = Peak.measure(1, PEAK_BYTES, Progress.NONE, new Cancellation());
        Map<String, RunResult> vector = run(expressions, quick, "vector");
        Map<String, RunResult> scalar = run(expressions, quick, "scalar");
        System.out.printf(
                Locale.ROOT,
                "%n%d-bit vectors; one thread multiplies and adds %.1f GFLOP/s and reads %.1f GB/s from memory%n%n",
                Kernels.vectorBits(),
                peak.flops() / 1e9,
                peak.bytes() / 1e9);
        System.out.printf("%-48s %18s %18s %18s%n", "kernel", "GFLOP/s (of peak)", "GB/s (of peak)", "times scalar");
        vector.forEach((name, result) -> System.out.println(row(name, result, scalar.get(name), peak)));
    }

    private static Map<String, RunResult> run(List<String> expressions, boolean quick, String kernels)
            throws RunnerException {
        ChainedOptionsBuilder options = new OptionsBuilder()
                .jvmArgsAppend(
                        "--add-modules",
                        "jdk.incubator.vector",
                        "-XX:+UseSerialGC",
                        "-D" + Kernels.PROPERTY + "=" + kernels);
        expressions.forEach(options::include);
        if (quick) {
            options.warmupIterations(2).measurementIterations(2).measurementTime(TimeValue.milliseconds(500));
        }
        Collection<RunResult> results = new Runner(options.build()).run();
        Map<String, RunResult> byName = new LinkedHashMap<>();
        for (RunResult result : results) {
            byName.put(name(result.getParams()), result);
        }
        return byName;
    }

    /** {@code MatMul.single Q4_0}. */
    private static String name(BenchmarkParams params) {
        StringBuilder name =
                new StringBuilder(params.getBenchmark().replaceFirst(".*\\.(\\w+)Benchmark\\.(\\w+)$", "$1.$2"));
        for (String key : params.getParamsKeys()) {
            name.append(' ').append(params.getParam(key));
        }
        return name.toString();
    }

    private static String row(String name, RunResult vector, @Nullable RunResult scalar, Peak peak) {
        double flops = amount(vector, "flops"), bytes = amount(vector, "bytes");
        double speed = vector.getPrimaryResult().getScore();
        String times = scalar == null
                ? "?"
                : String.format(
                        Locale.ROOT, "%.1f", speed / scalar.getPrimaryResult().getScore());
        return String.format(
                Locale.ROOT,
                "%-48s %11.1f (%3.0f %%) %11.1f (%3.0f %%) %18s",
                name,
                flops / 1e9,
                100 * flops / peak.flops(),
                bytes / 1e9,
                100 * bytes / peak.bytes(),
                times);
    }

    private static double amount(RunResult result, String name) {
        return Objects.requireNonNull(result.getSecondaryResults().get(name), name)
                .getScore();
    }
}
