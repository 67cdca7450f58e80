package dev.lectern.measure.reproduce;

import dev.lectern.measure.MethodSpeed;
import dev.lectern.measure.Protocol;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the result files say of MagicPIG's claims about answers that are written by it: how good they are, and how fast. */
final class DecodingClaims {
    /** Of answers, so many may be lost where none is. */
    private static final double NOTHING_LOST = 0.01;

    private static final double TEN_TIMES = 10;
    private static final double LEAST_SPEED_UP = 1.76;

    /** Bytes that differ by no more are of an equal budget. */
    private static final double EQUAL = 0.1;

    private final Evidence evidence;

    DecodingClaims(Evidence evidence) {
        this.evidence = evidence;
    }

    List<Claims.Claim> claims() {
        return List.of(
                new Claims.Claim("MagicPIG is more accurate than Quest on RULER at an equal budget", this::besideQuest),
                new Claims.Claim(
                        "decoding is 1.76 to 4.99 × faster than with dense attention, at the largest batch that fits",
                        this::throughput),
                new Claims.Claim(
                        "sampling cuts the memory traffic of attention by 10 × without losing accuracy", this::traffic),
                new Claims.Claim(
                        "linear layers and projections belong on the GPU, attention and hash tables on the CPU",
                        this::division));
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
                        MethodTasksExperiment.named(file, protocol),
                        pig.score(),
                        quest.score(),
                        100 * pig.bytes(),
                        100 * quest.bytes(),
                        equal ? "" : ", not equal"));
                boolean above = pigs.get().isAbove(quests.get()),
                        below = quests.get().isAbove(pigs.get());
                if (Evidence.isEnough(file) && equal && (above || below)) {
                    cases.add(MethodTasksExperiment.named(file, protocol), above);
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
        return MethodTasksExperiment.rows(file, "means", protocol, method).stream()
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
                .flatMap(file -> file.rows(method).stream())
                .mapToDouble(row -> row.number(member))
                .average()
                .orElse(Double.NaN);
    }
}
