package dev.lectern.measure.reproduce;

import dev.lectern.measure.JsonFields;
import dev.lectern.measure.PrefillSpeed;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What the result files say of the claims about APB and its rivals. */
final class ReadingClaims {
    private static final double OVER_FULL = 10;
    private static final double OVER_STAR = 1.6;
    private static final int OVER_STAR_TOKENS = 524_288;
    private static final int HOSTS = 8;
    private static final String COMMAND = "eval reproduce --full prefill-speed prefill-tasks";

    /** Star Attention as it is published: each host computes its anchor. */
    private static final String STAR_AGAIN = "star:anchor=again";

    /** MInference with a pattern for each head. */
    private static final String CALIBRATED = "minference:calibrated=yes";

    private static final String NOT_YET = Verdict.NOT_YET.word();

    private final Evidence evidence;
    private final List<ResultFile> timed;
    private final List<ResultFile> asked;
    private final List<PrefillSpeed> speeds;

    ReadingClaims(Evidence evidence) {
        this.evidence = evidence;
        timed = evidence.all(PrefillSpeedExperiment.PREFIX);
        asked = evidence.all(PrefillTasksExperiment.PREFIX);
        speeds = Pages.models(timed).stream()
                .flatMap(model -> PrefillSpeedExperiment.of(timed, model).stream())
                .toList();
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

    private Verdict verdict(String word, String measured, List<ResultFile> files) {
        return evidence.verdict(word, measured, COMMAND, files);
    }

    /** A sentence of what scores there are. */
    private static String told(String what, List<String> scores) {
        return ". "
                + (scores.isEmpty()
                        ? "What it does to scores is not measured"
                        : what + ": " + String.join("; ", scores));
    }

    private List<ResultFile> files() {
        return Stream.concat(timed.stream(), asked.stream()).toList();
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

    /** APB's time on this machine and its operations on eight, beside the full reading's, and what it does to scores. */
    private Verdict longTexts() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        boolean fast = true, loses = false;
        for (PrefillSpeed result : speeds) {
            Optional<PrefillSpeed.Row> apb = row(result, "apb");
            if (apb.isPresent()) {
                fast &= result.atOnce(apb.get()) >= OVER_FULL;
                times.add(String.format(
                        Locale.ROOT,
                        "%s: %.2f × on one machine, whose work is %.2f × less; %.1f × less on the slowest of eight hosts",
                        text(result),
                        result.speedUp(apb.get()),
                        apb.get().speed().orElseThrow().foretold(),
                        result.atOnce(apb.get())));
            }
        }
        for (ResultFile file : asked) {
            Optional<JsonFields> apb = PrefillTasksExperiment.of(file, PrefillTasksExperiment.APB);
            if (apb.isPresent()) {
                loses |= apb.get().object("paired").number("high") < 0;
                scores.add(text(file) + ": " + TaskExperiment.paired(apb.get()));
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return verdict(
                scores.isEmpty() ? NOT_YET : !fast && loses ? "refuted" : "partly",
                "time on one CPU, its blocks one after another, and operations, which are counted; eight hosts were not there: "
                        + String.join("; ", times)
                        + told(
                                "Scores beside the full reading, tokens chosen by the question's mean query in place of trained heads",
                                scores),
                files());
    }

    /** APB beside Star Attention, of as many blocks. */
    private Verdict besideStar() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        boolean faster = true, slower = true, better = true, worse = true, long512 = false;
        for (PrefillSpeed result : speeds) {
            Optional<PrefillSpeed.Row> apb = row(result, "apb"),
                    star = row(result, "star"),
                    again = row(result, STAR_AGAIN);
            if (apb.isPresent() && star.isPresent()) {
                PrefillSpeed.Row published = again.orElse(star.get());
                double ratio = result.speedUp(apb.get()) / result.speedUp(published);
                faster &= ratio >= OVER_STAR;
                slower &= ratio < 1;
                long512 |= PrefillSpeedExperiment.length(result) >= OVER_STAR_TOKENS;
                times.add(String.format(
                        Locale.ROOT,
                        "%s: %s%.2f × beside an anchor computed once, %.2f × fewer operations there, %.2f × on the slowest of eight hosts",
                        text(result),
                        again.isPresent() ? String.format(Locale.ROOT, "%.2f ×; ", ratio) : "",
                        result.speedUp(apb.get()) / result.speedUp(star.get()),
                        star.get().speed().orElseThrow().operations()
                                / apb.get().speed().orElseThrow().operations(),
                        result.atOnce(apb.get()) / result.atOnce(star.get())));
            }
        }
        for (ResultFile file : asked) {
            Optional<JsonFields> apb = PrefillTasksExperiment.of(file, PrefillTasksExperiment.APB);
            Optional<JsonFields> star = PrefillTasksExperiment.of(file, PrefillTasksExperiment.STAR);
            if (apb.isPresent() && star.isPresent()) {
                double more = apb.get().number("score") - star.get().number("score");
                better &= more > 0;
                worse &= more < 0;
                scores.add(String.format(Locale.ROOT, "%s: %+.1f", text(file), more));
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return verdict(
                scores.isEmpty()
                        ? NOT_YET
                        : faster && better && long512 ? "reproduced" : slower && worse ? "refuted" : "partly",
                "times on one machine beside Star of eight blocks, each of which computes its anchor as published: "
                        + String.join("; ", times)
                        + told("Mean scores beside Star of four blocks, as its paper has them", scores),
                files());
    }

    /** What each of the others loses, in time or in score. */
    private Verdict rivals() {
        List<String> times = new ArrayList<>(), scores = new ArrayList<>();
        boolean slower = true, loses = false;
        for (PrefillSpeed result : speeds) {
            Optional<PrefillSpeed.Row> apb = row(result, "apb");
            if (apb.isEmpty()) {
                continue;
            }
            List<String> of = new ArrayList<>();
            for (String method : List.of("ring", "ulysses", "minference", CALIBRATED, STAR_AGAIN, "apb")) {
                Optional<PrefillSpeed.Row> row = row(result, method);
                if (row.isPresent()) {
                    double ratio = result.speedUp(row.get());
                    slower &= method.equals("apb")
                            || method.startsWith("minference")
                            || ratio < result.speedUp(apb.get());
                    of.add(String.format(Locale.ROOT, "%s %.2f ×", method, ratio));
                }
            }
            times.add(text(result) + ": " + String.join(", ", of));
        }
        for (ResultFile file : asked) {
            Optional<JsonFields> sparse = PrefillTasksExperiment.of(file, PrefillTasksExperiment.MINFERENCE);
            if (sparse.isPresent()) {
                loses |= sparse.get().object("paired").number("high") < 0;
                scores.add(text(file) + ": " + TaskExperiment.paired(sparse.get()));
            }
        }
        if (times.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return verdict(
                scores.isEmpty() ? NOT_YET : slower && loses ? "reproduced" : slower || loses ? "partly" : "refuted",
                "beside the full reading on one machine, whose cores the eight hosts of ring and Ulysses share: "
                        + String.join("; ", times)
                        + told("MInference's scores beside the full reading", scores),
                files());
    }

    /** APB's advantage by length, and where the time of the parts goes. */
    private Verdict parts() {
        List<String> ratios = new ArrayList<>(), parts = new ArrayList<>();
        boolean grows = true, several = false, less = true;
        for (String model : Pages.models(timed)) {
            List<String> of = new ArrayList<>();
            double before = 0;
            for (PrefillSpeed result : PrefillSpeedExperiment.of(timed, model)) {
                Optional<PrefillSpeed.Row> apb = row(result, "apb");
                if (apb.isEmpty()) {
                    continue;
                }
                double ratio = result.speedUp(apb.get());
                several |= !of.isEmpty();
                grows &= ratio > before;
                before = ratio;
                of.add(String.format(Locale.ROOT, "%.2f × at %d", ratio, PrefillSpeedExperiment.length(result)));
                Optional<PrefillSpeed.Row> star = row(result, STAR_AGAIN), full = row(result, "full");
                if (star.isPresent() && full.isPresent()) {
                    PrefillSpeed.Parts mine = parts(apb.get()), theirs = parts(star.get()), all = parts(full.get());
                    less &= mine.feedForward() < theirs.feedForward() && mine.attention() < all.attention();
                    parts.add(String.format(
                            Locale.ROOT,
                            "%s: attention %.1f s of %.1f s (Star %.1f s), feed-forward %.1f s of %.1f s (Star %.1f s)",
                            text(result),
                            mine.attention(),
                            all.attention(),
                            theirs.attention(),
                            mine.feedForward(),
                            all.feedForward(),
                            theirs.feedForward()));
                }
            }
            if (!of.isEmpty()) {
                ratios.add(model + ": " + String.join(", ", of));
            }
        }
        if (!several || parts.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return verdict(
                grows && less ? "reproduced" : grows || less ? "partly" : "refuted",
                "APB of eight blocks beside the full reading, one machine: " + String.join("; ", ratios)
                        + ". All blocks together, of the full reading's; each of as many machines would have an eighth of it: "
                        + String.join("; ", parts),
                timed);
    }

    private static PrefillSpeed.Parts parts(PrefillSpeed.Row row) {
        return row.speed().orElseThrow().parts();
    }

    /** APB by hosts and by models, each at the longest text that was measured with all of these. */
    private Verdict sizes() {
        List<Integer> hosts = List.of(2, 4, HOSTS);
        List<String> models = new ArrayList<>();
        boolean works = true;
        for (String model : Pages.models(timed)) {
            List<PrefillSpeed> measured = PrefillSpeedExperiment.of(timed, model).stream()
                    .filter(result -> hosts.stream()
                            .allMatch(many -> row(result, "apb", many).isPresent()))
                    .toList();
            if (measured.isEmpty()) {
                continue;
            }
            PrefillSpeed longest = measured.getLast();
            List<String> of = new ArrayList<>();
            for (int many : hosts) {
                PrefillSpeed.Row apb = row(longest, "apb", many).orElseThrow();
                works &= longest.atOnce(apb) > 1;
                of.add(String.format(
                        Locale.ROOT,
                        "%d hosts: %.2f × on one machine, %.1f × less work for the slowest host",
                        many,
                        longest.speedUp(apb),
                        longest.atOnce(apb)));
            }
            models.add(text(longest) + ", " + String.join(", ", of));
        }
        if (models.isEmpty()) {
            return Verdict.NOT_YET;
        }
        return verdict(
                works && models.size() > 1 ? "reproduced" : works ? "partly" : "refuted",
                "beside the full reading: " + String.join("; ", models),
                timed);
    }
}
