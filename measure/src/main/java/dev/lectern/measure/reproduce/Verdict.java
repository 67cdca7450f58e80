package dev.lectern.measure.reproduce;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * What became of a claim.
 *
 * @param word in one word or two, as the page explains them
 * @param measured what was measured; Markdown
 * @param models of what
 * @param where the command and the result; Markdown
 */
record Verdict(String word, String measured, String models, String where) {
    static final String REPRODUCED = "reproduced", PARTLY = "partly", REFUTED = "refuted";
    static final Verdict NOT_YET = new Verdict("not yet", "", "", "");

    /** What a claim was tried on. It is reproduced where it holds in all cases, refuted where it holds in none. */
    static final class Cases {
        private final List<String> held = new ArrayList<>(), failed = new ArrayList<>();
        private boolean open;

        void add(String name, boolean holds) {
            (holds ? held : failed).add(name);
        }

        /** @param holds empty where what was measured does not decide it: then the claim is not reproduced in whole */
        void add(String name, Optional<Boolean> holds) {
            holds.ifPresentOrElse(known -> add(name, (boolean) known), () -> open = true);
        }

        /** Whether none was decided. */
        boolean isEmpty() {
            return held.isEmpty() && failed.isEmpty();
        }

        String word() {
            if (isEmpty()) {
                return NOT_YET.word;
            }
            return failed.isEmpty() ? open ? PARTLY : REPRODUCED : held.isEmpty() ? REFUTED : PARTLY;
        }

        /**
         * The word where something that is claimed was not tried.
         *
         * @param open whether there is such a thing: what is reproduced besides is reproduced in part
         */
        String word(boolean open) {
            return open && word().equals(REPRODUCED) ? PARTLY : word();
        }

        /** A sentence that names the cases which make it partly so, the fewer of both kinds; none where all are alike. */
        String which() {
            if (held.isEmpty() || failed.isEmpty()) {
                return "";
            }
            boolean most = failed.size() <= held.size();
            return String.format(
                    Locale.ROOT,
                    ". So in %d of %d cases, %s %s",
                    held.size(),
                    held.size() + failed.size(),
                    most ? "not in" : "only in",
                    String.join("; ", most ? failed : held));
        }
    }
}
