package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Optional;
import java.util.stream.Stream;

/** What the result files say of MagicPIG's claims about keys and about what attention is left of when it looks at few of them. */
final class AttentionClaims {
    private static final double FOUR_TIMES = 4;
    private static final double NOTHING_LOST = 0.01;

    /** Within so much of it a published share is reproduced. */
    private static final double NEAR = 0.25;

    /** An error larger by no more is no larger. */
    private static final double NO_MORE = 0.05;

    /** From so much of the output on an error is large: what is claimed says no number. */
    private static final double LARGE = 0.1;

    /** The tasks that TopK is said to hurt: those that add things up, and the one that follows variables from line to line. */
    private static final List<String> HURT =
            Stream.concat(TaskPlan.AGGREGATING.stream(), Stream.of("vt")).toList();

    private final Evidence evidence;

    AttentionClaims(Evidence evidence) {
        this.evidence = evidence;
    }

    List<Claims.Claim> claims() {
        return List.of(
                new Claims.Claim(
                        "keys and values of the first token hardly change with the input (similarity above 0.99)",
                        this::firstToken),
                new Claims.Claim("the direction of the mean key is stable across inputs (above 0.9)", this::meanKey),
                new Claims.Claim(
                        "the mean key is nearly opposite to the key of the sink (−0.9 … −0.8)", this::opposite),
                new Claims.Claim(
                        "exact TopK attention has a large error, which hurts aggregation (common words, frequent words) and reasoning",
                        this::topK),
                new Claims.Claim("oracle sampling has up to 4 × less error than TopK", this::sampling),
                new Claims.Claim(
                        "K = 10, L = 150 samples about 2 % of the keys; K = 10, L = 170 about 2.5 %",
                        this::sampledKeys),
                new Claims.Claim("all heads can share one random projection of about 400 KB", this::sharedProjection));
    }

    /** What the observations of {@code analyze} come to. */
    private Verdict observed(String described, String share, String... members) {
        List<ResultFile> files = evidence.all(GeometryExperiment.PREFIX);
        if (files.isEmpty()) {
            return Verdict.NOT_YET;
        }
        List<String> measured = new ArrayList<>();
        double least = 1, most = 0;
        for (ResultFile file : files) {
            for (String member : members) {
                JsonFields cosines = GeometryExperiment.all(file).object(member);
                double held = cosines.number(share);
                least = Math.min(least, held);
                most = Math.max(most, held);
                measured.add(String.format(
                        Locale.ROOT,
                        "%s, %s: %.0f %%, median %.3f, least %.3f",
                        file.model(),
                        member.startsWith("sinkV") ? "values" : "keys",
                        100 * held,
                        cosines.number("median"),
                        cosines.number("min")));
            }
        }
        return evidence.verdict(
                least >= 1 - NOTHING_LOST
                        ? Verdict.REPRODUCED
                        : most <= NOTHING_LOST ? Verdict.REFUTED : Verdict.PARTLY,
                described + ": " + String.join("; ", measured),
                "analyze",
                files);
    }

    private Verdict firstToken() {
        return observed(
                "share above 0.99 between inputs that begin with different tokens", "above", "sinkKey", "sinkValue");
    }

    private Verdict meanKey() {
        return observed("share above 0.9", "above", "meanKey");
    }

    private Verdict opposite() {
        return observed("share between −0.9 and −0.8", "within", "meanToSink");
    }

    /** The errors, and the losses in tasks that add things up and in the one that follows variables, the nearest to reasoning. */
    private Verdict topK() {
        List<ResultFile> files = evidence.all(AttentionExperiment.PREFIX);
        if (files.isEmpty()) {
            return Verdict.NOT_YET;
        }
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (ResultFile file : files) {
            List<JsonFields> rows = file.get(json -> json.objects("results"));
            for (String budget : List.of("2%", "10%")) {
                Optional<JsonFields> found = row(rows, "topk", budget);
                if (found.isPresent()) {
                    String name = file.model() + " at " + budget.replace("%", " %") + " of the tokens";
                    double error = found.get().number("score");
                    cases.add("the error of " + name, error >= LARGE);
                    measured.add(String.format(
                            Locale.ROOT,
                            "%s: mean relative error %.2g, %.0f %% of the softmax kept",
                            name,
                            error,
                            100 * found.get().number("massKept")));
                }
            }
        }
        List<ResultFile> asked = evidence.all(MethodTasksExperiment.PREFIX);
        List<String> scores = new ArrayList<>();
        boolean known = false;
        for (ResultFile file : asked) {
            for (Protocol protocol : Protocol.values()) {
                MethodTasksExperiment.Of dense = MethodTasksExperiment.of(file, protocol, MethodTasksExperiment.DENSE);
                MethodTasksExperiment.Of topK = MethodTasksExperiment.of(file, protocol, MethodTasksExperiment.TOP_K);
                if (Double.isNaN(topK.score())) {
                    continue;
                }
                scores.add(String.format(
                        Locale.ROOT,
                        "%s: %.1f against %.1f, all tasks %.1f against %.1f",
                        MethodTasksExperiment.named(file, protocol),
                        topK.counting(),
                        dense.counting(),
                        topK.score(),
                        dense.score()));
                for (JsonFields row :
                        MethodTasksExperiment.rows(file, "results", protocol, MethodTasksExperiment.TOP_K)) {
                    if (Evidence.isEnough(file) && HURT.contains(row.text("task"))) {
                        known = true;
                        cases.add(
                                MethodTasksExperiment.named(file, protocol) + ", " + row.text("task"),
                                Evidence.Beside.of(row).flatMap(Evidence.Beside::lost));
                    }
                }
            }
        }
        String tasks = scores.isEmpty()
                ? ". What it does to the tasks is not measured"
                : ". Of a task beside dense attention points are " + Evidence.Beside.RULE + ": "
                        + String.join(", ", HURT)
                        + ", the last being the nearest to reasoning. Mean scores of cwe and fwe at 2 %, beside dense attention's: "
                        + String.join("; ", scores)
                        + Evidence.tooFew(asked);
        return evidence.verdict(
                cases.word(!known),
                String.format(Locale.ROOT, "an error being large from %.1f of the output on: ", LARGE)
                        + String.join("; ", measured)
                        + tasks
                        + cases.which(),
                scores.isEmpty() ? "eval attention" : "eval reproduce --full attention methods",
                Stream.concat(files.stream(), asked.stream()).toList());
    }

    private record PublishedShare(String tables, double percent) {}

    private static final List<PublishedShare> PUBLISHED_SHARES =
            List.of(new PublishedShare("k=10:l=150", 2), new PublishedShare("k=10:l=170", 2.5));

    /** The shares that MagicPIG samples, per query head, the mean of all recorded texts. */
    private Verdict sampledKeys() {
        List<ResultFile> files = evidence.all(SparseExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (String model : Pages.models(files)) {
            List<String> shares = new ArrayList<>();
            LongSummaryStatistics lengths = new LongSummaryStatistics();
            for (PublishedShare published : PUBLISHED_SHARES) {
                List<JsonFields> sampled = Pages.of(files, model).stream()
                        .flatMap(file ->
                                file.rows("magicpig:" + published.tables + ":centre=yes:projection=shared").stream())
                        .filter(row -> row.text("method").contains(":correct=yes"))
                        .toList();
                if (sampled.isEmpty()) {
                    continue;
                }
                double share = sampled.stream()
                        .mapToDouble(row -> SparseExperiment.chosen(row.number("density"), row.whole("length")))
                        .average()
                        .orElseThrow();
                sampled.forEach(row -> lengths.accept(row.whole("length")));
                String tables = published.tables.toUpperCase(Locale.ROOT).replace(":", ", ");
                cases.add(model + ", " + tables, Math.abs(share / published.percent - 1) <= NEAR);
                shares.add(String.format(Locale.ROOT, "%s: %.1f %%", tables, share));
            }
            if (!shares.isEmpty()) {
                measured.add(String.format(
                        Locale.ROOT,
                        "%s, %s tokens: %s",
                        model,
                        lengths.getMin() == lengths.getMax()
                                ? "" + lengths.getMin()
                                : lengths.getMin() + " to " + lengths.getMax(),
                        String.join("; ", shares)));
            }
        }
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(),
                String.format(
                                Locale.ROOT,
                                "of the tokens between sinks and window, for a query head, no layer read densely, mean of all texts; about so many being within %.0f %% of it: ",
                                100 * NEAR)
                        + String.join("; ", measured)
                        + cases.which(),
                "eval attention",
                files);
    }

    /** Bytes of the numbers of one projection: k · l vectors as long as a head of the models that are measured. */
    private static final long PROJECTION = 10L * 150 * 64 * Float.BYTES;

    /** Errors where all heads share one projection, beside those where each has its own. */
    private Verdict sharedProjection() {
        List<ResultFile> files = evidence.all(SparseExperiment.PREFIX).stream()
                .filter(file -> corrected(file, "head").isPresent()
                        && corrected(file, "shared").isPresent())
                .toList();
        if (files.isEmpty()) {
            return Verdict.NOT_YET;
        }
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (String model : Pages.models(files)) {
            List<ResultFile> of = Pages.of(files, model);
            double shared = error(of, "shared"), own = error(of, "head");
            cases.add(model, shared <= own * (1 + NO_MORE));
            measured.add(String.format(
                    Locale.ROOT,
                    "%s: mean relative error %.3f with one for all, %.3f with one for each",
                    model,
                    shared,
                    own));
        }
        return evidence.verdict(
                cases.word(),
                String.format(
                                Locale.ROOT,
                                "K = 10, L = 150, heads of 64 numbers in f32: %d KB; no layer read densely, all texts, errors being alike that are larger by no more than %.0f %%: ",
                                PROJECTION / 1000,
                                100 * NO_MORE)
                        + String.join("; ", measured)
                        + cases.which(),
                "eval attention",
                files);
    }

    private static Optional<JsonFields> corrected(ResultFile file, String projection) {
        return file.rows("magicpig:k=10:l=150:centre=yes:projection=" + projection).stream()
                .filter(row -> row.text("method").contains(":correct=yes"))
                .findFirst();
    }

    private static double error(List<ResultFile> files, String projection) {
        return files.stream()
                .flatMap(file -> corrected(file, projection).stream())
                .mapToDouble(row -> row.number("score"))
                .average()
                .orElse(Double.NaN);
    }

    private static Optional<JsonFields> row(List<JsonFields> rows, String family, String budget) {
        return rows.stream()
                .filter(row -> row.text("method").startsWith(family + ":budget=" + budget + ":"))
                .findFirst();
    }

    /** The largest ratio of mean errors of each model, at whatever budget, and the single cases. */
    private Verdict sampling() {
        List<ResultFile> files = evidence.all(AttentionExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        double single = 0;
        for (ResultFile file : files) {
            double most = 0;
            for (JsonFields ratio : file.get(json -> json.objects("ratios"))) {
                single = Math.max(single, ratio.number("fourTimes"));
                most = Math.max(most, ratio.number("mean"));
                String budget = AttentionExperiment.budget(ratio);
                if (budget.equals("2%") || budget.equals("10%")) {
                    measured.add(String.format(
                            Locale.ROOT,
                            "%s at %s: TopK's error is larger in %.0f %% of cases, %.0f times or more in %.1f %%; of the means %.2f ×",
                            file.model(),
                            budget.replace("%", " %"),
                            100 * ratio.number("larger"),
                            FOUR_TIMES,
                            100 * ratio.number("fourTimes"),
                            ratio.number("mean")));
                }
            }
            if (most > 0) {
                cases.add(file.model(), most >= FOUR_TIMES);
                measured.add(String.format(
                        Locale.ROOT, "%s at any budget: of the means at most %.2f ×", file.model(), most));
            }
        }
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        boolean singly = cases.word().equals(Verdict.REFUTED) && single > 0;
        return evidence.verdict(
                singly ? Verdict.PARTLY : cases.word(),
                "as many draws as TopK reads tokens, fewer of them distinct: "
                        + String.join("; ", measured)
                        + (singly ? ". So of single queries, and of no mean" : "")
                        + cases.which(),
                "eval attention",
                files);
    }
}
