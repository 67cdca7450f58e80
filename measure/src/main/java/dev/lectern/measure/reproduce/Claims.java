package dev.lectern.measure.reproduce;

import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;
import java.util.stream.Stream;

/** The published claims, and what the result files say of each. */
final class Claims {
    /**
     * One claim.
     *
     * @param verdict from result files
     */
    record Claim(String published, Supplier<Verdict> verdict) {
        /** One that nothing was measured for. */
        Claim(String published) {
            this(published, () -> Verdict.NOT_YET);
        }
    }

    /** The claims of some articles. */
    record Series(String title, List<Claim> claims) {}

    private Claims() {}

    /**
     * The tables, from result files alone.
     *
     * @param link from the page to the folder of results
     */
    static String tables(Path results, String link) {
        Evidence evidence = new Evidence(results, link);
        List<Series> all = List.of(
                new CacheClaims(evidence).series(),
                new Series(
                        "MagicPIG",
                        Stream.concat(
                                        new AttentionClaims(evidence).claims().stream(),
                                        new DecodingClaims(evidence).claims().stream())
                                .toList()),
                new ReadingClaims(evidence).series());
        StringBuilder text = new StringBuilder();
        int number = 0;
        for (Series series : all) {
            text.append("## ").append(series.title).append("\n\n");
            text.append("| # | claim, as published | verdict | measured | model | command and result |\n");
            text.append("| --: | --- | --- | --- | --- | --- |\n");
            for (Claim claim : series.claims) {
                Verdict verdict = claim.verdict.get();
                text.append(String.format(
                        Locale.ROOT,
                        "| %d | %s | %s | %s | %s | %s |\n",
                        ++number,
                        claim.published,
                        verdict.word(),
                        verdict.measured(),
                        verdict.models(),
                        verdict.where()));
            }
            text.append('\n');
        }
        return text.toString();
    }
}
