package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.PrefillSpeed;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** What the result files say of the claims about APB and its rivals. */
final class ReadingClaims {
    private static final double OVER_FULL = 10;
    private static final double OVER_STAR = 1.6;
    private static final int OVER_FULL_TOKENS = 131_072, OVER_STAR_TOKENS = 524_288;
    private static final int HOSTS = 8;
    private static final String COMMAND = "eval reproduce --full prefill-speed";

    /** Star Attention as it is published: each host computes its anchor. */
    private static final String STAR_AGAIN = "star:anchor=again";

    /** Those that are said to be slower than APB. */
    private static final List<String> SLOWER = List.of("ring", "ulysses", STAR_AGAIN);

    private static final String NOT_YET = Verdict.NOT_YET.word();

    private final Evidence evidence;
    private final List<Timed> timed;
    private final List<ResultFile> asked;

    /** A result and its file. */
    private record Timed(ResultFile file, PrefillSpeed speed) {}

    ReadingClaims(Evidence evidence) {
        this.evidence = evidence;
        List<ResultFile> files = evidence.all(PrefillSpeedExperiment.PREFIX);
        timed = Pages.models(files).stream()
                .flatMap(model -> Pages.of(files, model).stream()
                        .map(file -> new Timed(file, file.get(PrefillSpeed::read)))
                        .sorted(Comparator.comparingInt(of -> PrefillSpeedExperiment.length(of.speed))))
                .toList();
        asked = evidence.all(PrefillTasksExperiment.PREFIX);
    }

    Claims.Series series() {
        return new Claims.Series(
                "APB",
                List.of(
                        new Claims.Claim(
                                "reading 128K tokens is about 10 × faster than with FlashAttention (8 GPUs against 1), without loss",
                                this::longTexts),
                        new Claims.Claim(
                                "1.6 × faster than Star Attention at 512K, and better in score, speed and compute",
                                this::besideStar),
                        new Claims.Claim(
                                "Ring and Ulysses are exact but slower; MInference, on one host, loses score; Star loses efficiency to its large anchor",
                                this::rivals),
                        new Claims.Claim(
                                "the advantage grows with length; splitting the sequence cuts the time of attention and feed-forward; APB's small anchor cuts the feed-forward overhead",
                                this::parts),
                        new Claims.Claim("it works for several host counts and model sizes", this::sizes),
                        new Claims.Claim(
                                "APE, parallel encoding with temperature and scaling, loses on tasks with long dependencies")));
    }

    /** @param used times; scores are there with all claims that are about them */
    private Verdict withScores(String word, String measured, List<ResultFile> used) {
        return evidence.verdict(
                word,
                measured + Evidence.tooFew(asked),
                COMMAND + (asked.isEmpty() ? "" : " prefill-tasks"),
                Stream.concat(used.stream(), asked.stream()).toList());
    }

    /** A sentence of what scores there are. */
    private static String told(String what, List<String> scores) {
        return ". "
                + (scores.isEmpty()
                        ? "What it does to scores is not measured"
                        : what + ": " + String.join("; ", scores));
    }

    /** A method's row, on eight hosts if it is one that divides a text. */
    private static Optional<PrefillSpeed.Row> row(PrefillSpeed result, String method) {
        return row(result, method, HOSTS);
    }

    private static Optional<PrefillSpeed.Row> row(PrefillSpeed result, String method, int hosts) {
        return result.rows().stream()
                .filter(row -> (row.asked().hosts() == hosts || row.asked().hosts() == 1)
                        && PrefillSpeedExperiment.method(row).equals(method)
                        && row.speed().isPresent())
                .findFirst();
    }

    private static String text(PrefillSpeed result) {
        return result.evaluated().model() + " at " + PrefillSpeedExperiment.length(result) + " tokens";
    }

    private static String text(ResultFile file) {
        return file.model() + " at " + TaskExperiment.length(file) + " tokens";
    }

    /** How many times fewer operations a row was counted to take than another; NaN where they were not counted. */
    private static double fewer(PrefillSpeed.Row row, PrefillSpeed.Row than) {
        return than.speed().orElseThrow().counted() / row.speed().orElseThrow().counted();
    }

    /** APB's time on this machine and its operations on eight, beside the full reading's, and what it does to scores. */
    private Verdict longTexts() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        List<ResultFile> used = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        boolean foretold = false, isLong = false, known = false;
        for (Timed of : timed) {
            PrefillSpeed result = of.speed;
            Optional<PrefillSpeed.Row> apb = row(result, "apb"), full = row(result, "full");
            if (apb.isEmpty() || full.isEmpty()) {
                continue;
            }
            used.add(of.file);
            double ratio = result.speedUp(apb.get()), atOnce = result.atOnce(apb.get());
            boolean asLong = PrefillSpeedExperiment.length(result) >= OVER_FULL_TOKENS;
            isLong |= asLong;
            foretold |= ratio < OVER_FULL && atOnce >= OVER_FULL;
            if (asLong && (ratio >= OVER_FULL || atOnce < OVER_FULL)) {
                cases.add("the time of " + text(result), ratio >= OVER_FULL);
            }
            times.add(String.format(
                    Locale.ROOT,
                    "%s: %.2f × on one machine, %.2f × fewer operations counted; %.1f × fewer foretold for the slowest of eight hosts",
                    text(result),
                    ratio,
                    fewer(apb.get(), full.get()),
                    atOnce));
        }
        for (ResultFile file : asked) {
            Optional<JsonFields> apb = PrefillTasksExperiment.of(file, PrefillTasksExperiment.APB);
            Optional<Evidence.Beside> beside = apb.flatMap(Evidence.Beside::of);
            if (beside.isPresent()) {
                scores.add(text(file) + ": " + TaskExperiment.paired(apb.get()));
                if (Evidence.isEnough(file)) {
                    known = true;
                    cases.add("the scores of " + text(file), beside.get().lost().map(lost -> !lost));
                }
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return withScores(
                !known ? NOT_YET : foretold ? Verdict.PARTLY : cases.word(!isLong),
                "time on one CPU, its blocks one after another; eight hosts were not there: "
                        + String.join("; ", times)
                        + (foretold ? ". Ten times is what counting foretells, and not measured" : "")
                        + (isLong ? "" : ". 128K tokens are not measured")
                        + told(
                                "Scores beside the full reading, " + Evidence.Beside.RULE
                                        + ", tokens chosen by the question's mean query in place of trained heads",
                                scores)
                        + cases.which(),
                used);
    }

    /** APB beside Star Attention, of as many blocks. */
    private Verdict besideStar() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        List<ResultFile> used = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        boolean isLong = false, known = false, open = false;
        for (Timed of : timed) {
            PrefillSpeed result = of.speed;
            Optional<PrefillSpeed.Row> apb = row(result, "apb"),
                    once = row(result, "star"),
                    again = row(result, STAR_AGAIN);
            Optional<PrefillSpeed.Row> star = again.or(() -> once);
            if (apb.isEmpty() || star.isEmpty()) {
                continue;
            }
            used.add(of.file);
            boolean asLong = PrefillSpeedExperiment.length(result) >= OVER_STAR_TOKENS;
            isLong |= asLong;
            double ratio = result.speedUp(apb.get()) / result.speedUp(star.get());
            cases.add("the time of " + text(result), asLong ? ratio >= OVER_STAR : ratio > 1);
            double fewer = fewer(apb.get(), star.get());
            if (!Double.isNaN(fewer)) {
                cases.add("the operations of " + text(result), fewer > 1);
            }
            times.add(text(result)
                    + ": "
                    + again.map(row -> beside(result, apb.get(), row)).orElse("")
                    + (again.isPresent() && once.isPresent() ? "; " : "")
                    + once.map(row -> "with an anchor computed once " + beside(result, apb.get(), row))
                            .orElse(""));
        }
        for (ResultFile file : asked) {
            Optional<Evidence.Beside> apb = beside(file, PrefillTasksExperiment.APB),
                    star = beside(file, PrefillTasksExperiment.STAR);
            if (apb.isPresent() && star.isPresent()) {
                boolean above = apb.get().isAbove(star.get()),
                        below = star.get().isAbove(apb.get());
                scores.add(String.format(
                        Locale.ROOT,
                        "%s: %+.1f%s",
                        text(file),
                        apb.get().difference() - star.get().difference(),
                        above || below ? "" : ", undecided"));
                known |= Evidence.isEnough(file);
                if (Evidence.isEnough(file) && (above || below)) {
                    cases.add("the scores of " + text(file), above);
                } else {
                    open = true;
                }
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return withScores(
                known ? cases.word(open || !isLong) : NOT_YET,
                "on one machine beside Star of eight blocks, each of which computes its anchor as published: "
                        + String.join("; ", times)
                        + (isLong ? "" : ". 512K tokens are not measured")
                        + told(
                                "Differences of mean scores, eight blocks each, decided where the intervals beside the full reading are apart",
                                scores)
                        + cases.which(),
                used);
    }

    private static String beside(PrefillSpeed result, PrefillSpeed.Row apb, PrefillSpeed.Row star) {
        return String.format(
                Locale.ROOT,
                "%.2f ×, %.2f × fewer operations counted, %.2f × fewer foretold for the slowest of eight hosts",
                result.speedUp(apb) / result.speedUp(star),
                fewer(apb, star),
                result.atOnce(apb) / result.atOnce(star));
    }

    /** A method's scores beside the full reading's. */
    private static Optional<Evidence.Beside> beside(ResultFile file, String prefill) {
        return PrefillTasksExperiment.of(file, prefill).flatMap(Evidence.Beside::of);
    }

    /** What each of the others loses, in time or in score. */
    private Verdict rivals() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        List<ResultFile> used = new ArrayList<>();
        List<String> missing = new ArrayList<>(SLOWER);
        Verdict.Cases cases = new Verdict.Cases();
        boolean known = false;
        for (Timed found : timed) {
            PrefillSpeed result = found.speed;
            Optional<PrefillSpeed.Row> apb = row(result, "apb");
            if (apb.isEmpty()) {
                continue;
            }
            used.add(found.file);
            List<String> of = new ArrayList<>();
            for (String method :
                    List.of("ring", "ulysses", "minference", PrefillTasksExperiment.CALIBRATED, STAR_AGAIN, "apb")) {
                Optional<PrefillSpeed.Row> row = row(result, method);
                if (row.isPresent()) {
                    double ratio = result.speedUp(row.get());
                    if (SLOWER.contains(method)) {
                        missing.remove(method);
                        cases.add(method + " of " + text(result), ratio < result.speedUp(apb.get()));
                    }
                    of.add(String.format(Locale.ROOT, "%s %.2f ×", method, ratio));
                }
            }
            times.add(text(result) + ": " + String.join(", ", of));
        }
        for (ResultFile file : asked) {
            Optional<JsonFields> sparse = PrefillTasksExperiment.of(file, PrefillTasksExperiment.CALIBRATED);
            Optional<Evidence.Beside> beside = sparse.flatMap(Evidence.Beside::of);
            if (beside.isPresent()) {
                scores.add(text(file) + ": " + TaskExperiment.paired(sparse.get()));
                if (Evidence.isEnough(file)) {
                    known = true;
                    cases.add(
                            "MInference's scores of " + text(file), beside.get().lost());
                }
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return withScores(
                known ? cases.word(!missing.isEmpty()) : NOT_YET,
                "beside the full reading on one machine, whose cores the eight hosts of ring and Ulysses share: "
                        + String.join("; ", times)
                        + ". That ring and Ulysses are exact is tested (HostsTest), no result tells it"
                        + (missing.isEmpty() ? "" : ". Not measured: " + String.join(", ", missing))
                        + told(
                                "MInference's scores beside the full reading, a pattern for each head, "
                                        + Evidence.Beside.RULE,
                                scores)
                        + cases.which(),
                used);
    }

    /** APB's advantage by length, and where the time of the parts goes. */
    private Verdict parts() {
        List<String> ratios = new ArrayList<>(), parts = new ArrayList<>();
        List<ResultFile> used = new ArrayList<>();
        Verdict.Cases cases = new Verdict.Cases();
        boolean several = false, besideStar = false;
        for (String model : models()) {
            List<String> of = new ArrayList<>();
            boolean grows = true;
            double before = 0;
            for (Timed measured : of(model)) {
                PrefillSpeed result = measured.speed;
                Optional<PrefillSpeed.Row> apb = row(result, "apb"), full = row(result, "full");
                if (apb.isEmpty() || full.isEmpty()) {
                    continue;
                }
                used.add(measured.file);
                double ratio = result.speedUp(apb.get());
                grows &= ratio > before;
                before = ratio;
                of.add(String.format(Locale.ROOT, "%.2f × at %d", ratio, PrefillSpeedExperiment.length(result)));
                Optional<PrefillSpeed.Parts> star = row(result, STAR_AGAIN).map(ReadingClaims::parts);
                PrefillSpeed.Parts mine = parts(apb.get()), all = parts(full.get());
                cases.add("attention of " + text(result), mine.attention() < all.attention());
                cases.add("feed-forward of " + text(result), mine.feedForward() < all.feedForward());
                star.ifPresent(theirs -> cases.add(
                        "feed-forward beside Star's of " + text(result), mine.feedForward() < theirs.feedForward()));
                besideStar |= star.isPresent();
                parts.add(String.format(
                        Locale.ROOT,
                        "%s: attention %.1f s of %.1f s%s, feed-forward %.1f s of %.1f s%s, %.1f %% of all blocks' operations foretold for the host that has most",
                        text(result),
                        mine.attention(),
                        all.attention(),
                        star(star.map(PrefillSpeed.Parts::attention)),
                        mine.feedForward(),
                        all.feedForward(),
                        star(star.map(PrefillSpeed.Parts::feedForward)),
                        100 * share(apb.get())));
            }
            if (of.size() > 1) {
                several = true;
                cases.add("growth of " + model, grows);
            }
            if (!of.isEmpty()) {
                ratios.add(model + ": " + String.join(", ", of));
            }
        }
        if (!several) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(!besideStar),
                "APB of eight blocks beside the full reading, one machine: "
                        + String.join("; ", ratios)
                        + ". All blocks together, of the full reading's: "
                        + String.join("; ", parts)
                        + (besideStar ? "" : ". Star's parts are not measured")
                        + cases.which(),
                COMMAND,
                used);
    }

    private List<String> models() {
        return Pages.models(timed.stream().map(Timed::file).toList());
    }

    /** Results of a model, by length. */
    private List<Timed> of(String model) {
        return timed.stream().filter(of -> of.file.model().equals(model)).toList();
    }

    private static PrefillSpeed.Parts parts(PrefillSpeed.Row row) {
        return row.speed().orElseThrow().parts();
    }

    private static String star(Optional<Double> seconds) {
        return seconds.map(known -> String.format(Locale.ROOT, " (Star %.1f s)", known))
                .orElse("");
    }

    /** What the host that has most to do has of the operations of all. */
    private static double share(PrefillSpeed.Row row) {
        PrefillSpeed.Speed speed = row.speed().orElseThrow();
        return speed.most() / speed.operations();
    }

    /** APB by hosts and by models, each at the longest text that was measured with all of these. */
    private Verdict sizes() {
        List<Integer> hosts = List.of(2, 4, HOSTS);
        List<String> measured = new ArrayList<>();
        List<ResultFile> used = new ArrayList<>();
        Set<String> sizes = new LinkedHashSet<>();
        Verdict.Cases cases = new Verdict.Cases();
        for (String model : models()) {
            List<Timed> whole = of(model).stream()
                    .filter(of -> hosts.stream()
                            .allMatch(many -> row(of.speed, "apb", many).isPresent()))
                    .toList();
            if (whole.isEmpty()) {
                continue;
            }
            PrefillSpeed longest = whole.getLast().speed;
            used.add(whole.getLast().file);
            sizes.add(model.replaceFirst("-shape.*", "")); // a shape is as large as what it is called after
            List<String> of = new ArrayList<>();
            for (int many : hosts) {
                PrefillSpeed.Row apb = row(longest, "apb", many).orElseThrow();
                cases.add(text(longest) + " with " + many + " hosts", longest.speedUp(apb) > 1);
                of.add(String.format(
                        Locale.ROOT,
                        "%d hosts: %.2f × on one machine, %.1f × less work foretold for the slowest host",
                        many,
                        longest.speedUp(apb),
                        longest.atOnce(apb)));
            }
            measured.add(text(longest) + ", " + String.join(", ", of));
        }
        if (measured.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return evidence.verdict(
                cases.word(sizes.size() < 2),
                "faster than the full reading, blocks one after another on one machine, several machines not being there: "
                        + String.join("; ", measured)
                        + (sizes.size() < 2
                                ? ". Models of one size alone are measured with all of these hosts: "
                                        + String.join(", ", sizes)
                                : "")
                        + cases.which(),
                COMMAND,
                used);
    }
}
