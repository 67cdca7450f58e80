package dev.lectern.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.InProcess;
import dev.lectern.comm.RankWork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Verbs of several ranks, which are threads here. */
class RanksTest {
    @TempDir
    Path home;

    /** What work of two ranks throws. */
    private static void two(RankWork<Boolean> work) {
        InProcess.run(2, new Cancellation(), work);
    }

    private static boolean runs(Run run, boolean json, HostedVerb verb, Communicator ranks) {
        Lectern lectern = new Lectern(run.surroundings());
        lectern.json = json;
        lectern.runRank(verb, "ask", "MPI", ranks);
        return true;
    }

    @Test
    void whatEndsARankIsASentence() {
        Run run = new Run(home);
        HostedVerb verb = own -> {
            throw new OutOfMemoryError("Java heap space");
        };
        assertThatThrownBy(() -> two(ranks -> ranks.rank() == 1 || runs(run, false, verb, ranks)))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.NO_MEMORY))
                .hasMessageContaining("is too small for this: give it more");
        assertThat(run.out()).isEmpty();
    }

    @Test
    void whatEndsTheFirstRankIsAnObjectToo() {
        Run run = new Run(home);
        HostedVerb verb = own -> {
            throw new LecternException(LecternException.Kind.TOO_LONG, "It is too long.");
        };
        assertThatThrownBy(() -> two(ranks -> ranks.rank() == 1 || runs(run, true, verb, ranks)))
                .hasMessage("It is too long.");
        assertThat(run.json().get("error")).isEqualTo(Map.of("kind", "too-long", "message", "It is too long."));
    }

    /** A mistake that all ranks meet is told once, by the first. */
    @Test
    void othersLetTheFirstRankSpeak() {
        Run first = new Run(home), other = new Run(home);
        HostedVerb verb = own -> {
            LockSupport.parkNanos(own.isFirst() ? 300_000_000 : 1);
            throw new LecternException(LecternException.Kind.TOO_LONG, "It is too long for " + own.isFirst() + ".");
        };
        assertThatThrownBy(() -> two(ranks -> runs(ranks.rank() == 0 ? first : other, true, verb, ranks)))
                .hasMessage("It is too long for true.");
        assertThat(first.out()).contains("too-long");
        assertThat(other.out()).isEmpty();
    }

    @Test
    void whatAnotherRankWarnsOfHasItsNumber() {
        Run run = new Run(home);
        HostedVerb verb = own ->
                System.getLogger("dev.lectern.ranks").log(System.Logger.Level.WARNING, "a machine of another kind");
        two(ranks -> ranks.rank() == 0 || runs(run, false, verb, ranks));
        assertThat(run.err()).isEqualTo("lectern: warning: rank 1: a machine of another kind\n");
    }

    @Test
    void othersWaitForWhatTheFirstPrepares() {
        List<Integer> order = Collections.synchronizedList(new ArrayList<>());
        InProcess.run(
                3,
                new Cancellation(),
                ranks -> new Run(home).surroundings().among(ranks).firstBeforeOthers(() -> order.add(ranks.rank())));
        assertThat(order).startsWith(0).containsExactlyInAnyOrder(0, 1, 2);
    }

    @Test
    void onlyTheFirstRankFetchesAModel() {
        two(ranks -> {
            if (ranks.rank() == 0) {
                return true;
            }
            Surroundings own = new Run(home).surroundings().among(ranks);
            String sentence = "Rank 1's host has no smollm2-135m: run \"lectern pull smollm2-135m\" there.";
            assertThatThrownBy(() -> ModelChoice.locate(own, Optional.of("smollm2-135m")))
                    .isInstanceOf(LecternException.class)
                    .hasMessage(sentence);
            assertThatThrownBy(() -> SpeedCommand.located(own, "smollm2-135m")).hasMessage(sentence);
            return true;
        });
    }
}
