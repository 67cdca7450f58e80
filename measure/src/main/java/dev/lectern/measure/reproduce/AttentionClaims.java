package dev.lectern.measure.reproduce;

import dev.lectern.attention.DecodeAttentions;
import dev.lectern.measure.JsonFields;
import dev.lectern.measure.MethodSpeed;
import dev.lectern.measure.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.LongSummaryStatistics;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What the result files say of the claims about what attention looks at, MagicPIG's. */
final class AttentionClaims {
    private static final double FOUR_TIMES = 4;
    private static final double NOTHING_LOST = 0.01;
    private static final double TEN_TIMES = 10;
    private static final double LEAST_SPEED_UP = 1.76;

    /** Within so much of it a published share is reproduced. */
    private static final double NEAR = 0.25;

    /** An error larger by no more is no larger. */
    private static final double NO_MORE = 0.05;

    /** From so much of the output on an error is large: what is claimed says no number. */
    private static final double LARGE = 0.1;

    /** Bytes that differ by no more are of an equal budget. */
    private static final double EQUAL = 0.1;

    /** The tasks that TopK is said to hurt: those that add things up, and the one that follows variables from line to line. */
    private static final List<String> HURT = Stream.concat(MethodTasksExperiment.AGGREGATING.stream(), Stream.of("vt"))
            .toList();

    private final Evidence evidence;

    AttentionClaims(Evidence evidence) {
        this.evidence = evidence;
    }

    Claims.Series series() {
        return new Claims.Series(
                "MagicPIG",
                List.of(
                        new Claims.Claim(
                                "keys and values of the first token hardly change with the input (similarity above 0.99)",
                                this::firstToken),
                        new Claims.Claim(
                                "the direction of the mean key is stable across inputs (above 0.9)", this::meanKey),
                        new Claims.Claim(
                                "the mean key is nearly opposite to the key of the sink (−0.9 … −0.8)", this::opposite),
                        new Claims.Claim(
                                "exact TopK attention has a large error, which hurts aggregation (common words, frequent words) and reasoning",
                                this::topK),
                        new Claims.Claim("oracle sampling has up to 4 × less error than TopK", this::sampling),
                        new Claims.Claim(
                                "K = 10, L = 150 samples about 2 % of the keys; K = 10, L = 170 about 2.5 %",
                                this::sampledKeys),
                        new Claims.Claim(
                                "all heads can share one random projection of about 400 KB", this::sharedProjection),
                        new Claims.Claim(
                                "MagicPIG is more accurate than Quest on RULER at an equal budget", this::besideQuest),
                        new Claims.Claim(
                                "decoding is 1.76 to 4.99 × faster than with dense attention, at the largest batch that fits",
                                this::throughput),
                        new Claims.Claim(
                                "sampling cuts the memory traffic of attention by 10 × without losing accuracy",
                                this::traffic),
                        new Claims.Claim(
                                "linear layers and projections belong on the GPU, attention and hash tables on the CPU",
                                this::division)));
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
                        name(file, protocol),
                        topK.counting(),
                        dense.counting(),
                        topK.score(),
                        dense.score()));
                for (JsonFields row : of(file, "results", protocol, MethodTasksExperiment.TOP_K)) {
                    if (Evidence.isEnough(file) && HURT.contains(row.text("task"))) {
                        known = true;
                        cases.add(
                                name(file, protocol) + ", " + row.text("task"),
                                Evidence.Beside.of(row)
                                        .filter(Evidence.Beside::loses)
                                        .isPresent());
                    }
                }
            }
        }
        String tasks = scores.isEmpty()
                ? ". What it does to the tasks is not measured"
                : ". It hurts a task whose interval beside dense attention lies below 0: " + String.join(", ", HURT)
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

    private static String name(ResultFile file, Protocol protocol) {
        return file.name().substring(MethodTasksExperiment.PREFIX.length()) + ", protocol " + protocol;
    }

    /**
     * The rows of a method.
     *
     * @param list that has them
     * @param method as it is asked for
     */
    private static List<JsonFields> of(ResultFile file, String list, Protocol protocol, String method) {
        return file.get(json -> Pages.rows(
                Pages.rows(json.objects(list), "protocol", protocol.name()),
                "method",
                DecodeAttentions.named(method).name()));
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
                                rows(file, "magicpig:" + published.tables + ":centre=yes:projection=shared").stream())
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

    private static List<JsonFields> rows(ResultFile file, String method) {
        return file.get(json -> json.objects("results")).stream()
                .filter(row -> row.text("method").startsWith(method))
                .toList();
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
        return rows(file, "magicpig:k=10:l=150:centre=yes:projection=" + projection).stream()
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

    /** Mean scores of MagicPIG and of Quest, no layer read densely, and what each reads. */
    private Verdict besideQuest() {
        List<ResultFile> files = evidence.all(MethodTasksExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        int better = 0, undecided = 0, unequal = 0;
        for (ResultFile file : files) {
            for (Protocol protocol : Protocol.values()) {
                MethodTasksExperiment.Of pig =
                        MethodTasksExperiment.of(file, protocol, MethodTasksExperiment.MAGIC_PIG);
                MethodTasksExperiment.Of quest = MethodTasksExperiment.of(file, protocol, MethodTasksExperiment.QUEST);
                Optional<Evidence.Beside> pigs = beside(file, protocol, MethodTasksExperiment.MAGIC_PIG),
                        quests = beside(file, protocol, MethodTasksExperiment.QUEST);
                if (pigs.isEmpty() || quests.isEmpty()) {
                    continue;
                }
                boolean equal = Math.abs(pig.bytes() / quest.bytes() - 1) <= EQUAL;
                measured.add(String.format(
                        Locale.ROOT,
                        "%s: %.1f against %.1f (%.0f %% and %.0f %%%s)",
                        name(file, protocol),
                        pig.score(),
                        quest.score(),
                        100 * pig.bytes(),
                        100 * quest.bytes(),
                        equal ? "" : ", not equal"));
                boolean above = pigs.get().isAbove(quests.get()),
                        below = quests.get().isAbove(pigs.get());
                if (Evidence.isEnough(file) && equal && (above || below)) {
                    cases.add(name(file, protocol), above);
                } else if (Evidence.isEnough(file)) {
                    undecided += equal ? 1 : 0;
                    unequal += equal ? 0 : 1;
                    better += above ? 1 : 0;
                }
            }
        }
        if (measured.isEmpty()) {
            return Verdict.NOT_YET;
        }
        boolean open = undecided + unequal > 0;
        return evidence.verdict(
                cases.isEmpty() && better > 0 ? Verdict.PARTLY : cases.word(open),
                String.format(
                                Locale.ROOT,
                                "mean scores of K = 10, L = 150 against Quest at a budget of 10 %% in pages of 8, no layer read densely, in brackets the bytes that each reads beside dense attention's, equal where they differ by no more than %.0f %%; better where the intervals beside dense attention are apart: ",
                                100 * EQUAL)
                        + String.join("; ", measured)
                        + (undecided > 0 ? ". With equal bytes undecided: " + undecided : "")
                        + (unequal > 0 ? ". Not at an equal budget: " + unequal + ", MagicPIG better in " + better : "")
                        + Evidence.tooFew(files)
                        + cases.which(),
                "eval ruler",
                files);
    }

    private static Optional<Evidence.Beside> beside(ResultFile file, Protocol protocol, String method) {
        return of(file, "means", protocol, method).stream()
                .flatMap(mean -> Evidence.Beside.of(mean).stream())
                .findFirst();
    }

    /** Tokens per second beside dense attention, each at as many sequences as fit. */
    private Verdict throughput() {
        List<ResultFile> files = evidence.all(MethodSpeedExperiment.PREFIX);
        Verdict.Cases cases = new Verdict.Cases();
        String most = speedUps(files, MethodSpeed.MOST, cases);
        boolean isMeasured = !cases.isEmpty();
        String measured = isMeasured
                ? "on a CPU, f16 cache, index included in the memory, against dense attention with as many sequences as fit by it: "
                        + most
                : "with as many sequences as fit nothing is measured; with one, on a CPU, f16 cache: "
                        + speedUps(files, 1, cases);
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                isMeasured ? cases.word() : Verdict.NOT_YET.word(),
                isMeasured ? measured + cases.which() : measured,
                "eval reproduce --full method-speed",
                files);
    }

    /**
     * How many times as fast as by dense attention tokens are written by MagicPIG, and by pps beside it.
     *
     * @param together sequences
     * @param claimed MagicPIG's are added
     */
    private static String speedUps(List<ResultFile> files, int together, Verdict.Cases claimed) {
        List<String> measured = new ArrayList<>();
        for (String model : Pages.models(files)) {
            for (MethodSpeed result : MethodSpeedExperiment.of(files, model)) {
                for (MethodSpeed.Row row : result.rows()) {
                    String method = row.asked().attention().split(":")[0];
                    boolean isClaimed = method.equals("magicpig");
                    if (row.asked().together() != together
                            || !isClaimed && !row.asked().attention().startsWith("pps:budget=5%:bits=1")) {
                        continue;
                    }
                    double ratio = result.speedUp(row);
                    String name = model + " at " + result.plan().depth() + " tokens";
                    if (isClaimed && !Double.isNaN(ratio)) {
                        claimed.add(name, ratio >= LEAST_SPEED_UP);
                    }
                    String many = row.batch() == 1 ? "" : " with " + row.batch() + " sequences";
                    String found =
                            Double.isNaN(ratio) ? row.leftOut() : String.format(Locale.ROOT, "%.2f ×", ratio) + many;
                    measured.add(name + ", " + method + ": " + found);
                }
            }
        }
        return String.join("; ", measured);
    }

    /** What a device could take over: all of a step that is not attention. */
    private Verdict division() {
        List<ResultFile> files = evidence.all(MethodSpeedExperiment.PREFIX);
        if (files.isEmpty()) {
            return Verdict.NOT_YET;
        }
        List<String> measured = new ArrayList<>();
        for (String model : Pages.models(files)) {
            for (MethodSpeed result : MethodSpeedExperiment.of(files, model)) {
                List<String> shares = new ArrayList<>();
                for (String method : List.of("dense", "magicpig")) {
                    result.rows().stream()
                            .filter(row -> row.asked().together() == 1
                                    && row.asked().attention().startsWith(method))
                            .flatMap(row -> row.speed().stream())
                            .findFirst()
                            .ifPresent(speed -> shares.add(String.format(
                                    Locale.ROOT, "%.0f %% (%s)", 100 * speed.attention() / speed.all(), method)));
                }
                measured.add(model + " at " + result.plan().depth() + " tokens: " + String.join(", ", shares));
            }
        }
        return evidence.verdict(
                "not testable here",
                "Lectern computes on the CPU alone. There attention, index included, takes of the time of a token, one sequence: "
                        + String.join("; ", measured)
                        + ". The rest is what a device could take over",
                "eval reproduce --full method-speed",
                files);
    }

    /** What MagicPIG reads, and how far it leads answers away. */
    private Verdict traffic() {
        List<ResultFile> files = evidence.all(AnswerDivergenceExperiment.PREFIX);
        List<String> measured = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (String model : Pages.models(files)) {
            List<ResultFile> of = Pages.of(files, model);
            double dense = mean(of, "dense", "bytesRead");
            for (String method : List.of("magicpig:k=10:l=150", "pps:budget=5%:bits=1")) {
                double less = dense / mean(of, method, "bytesRead"), same = mean(of, method, "sameTop1");
                if (Double.isNaN(less)) {
                    continue;
                }
                if (method.startsWith("magicpig")) {
                    cases.add(model, less >= TEN_TIMES && same >= 1 - NOTHING_LOST);
                }
                measured.add(String.format(
                        Locale.ROOT,
                        "%s, %s: %.1f × fewer bytes, mean KL %.2g, same likeliest token %.1f %%",
                        model,
                        method.split(":")[0],
                        less,
                        mean(of, method, "meanKl"),
                        100 * same));
            }
        }
        if (cases.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(),
                "in answers to RULER-like prompts of "
                        + files.stream()
                                .flatMap(file -> file.get(json -> json.objects("results")).stream())
                                .map(row -> row.whole("length"))
                                .distinct()
                                .sorted()
                                .map(String::valueOf)
                                .collect(Collectors.joining(" and "))
                        + String.format(
                                Locale.ROOT,
                                " tokens, index included, grouped queries, f16 cache, nothing being lost where the likeliest token is the same in %.0f %%: ",
                                100 * (1 - NOTHING_LOST))
                        + String.join("; ", measured)
                        + cases.which(),
                "eval answer-kld",
                files);
    }

    private static double mean(List<ResultFile> files, String method, String member) {
        return files.stream()
                .flatMap(file -> rows(file, method).stream())
                .mapToDouble(row -> row.number(member))
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
