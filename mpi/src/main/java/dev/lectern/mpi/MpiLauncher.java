package dev.lectern.mpi;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import dev.lectern.comm.Launcher;
import dev.lectern.comm.RankWork;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * {@code mpirun} (of Open MPI or MPICH) and whatever else starts the processes of an MPI job.
 *
 * <p>The environment variable {@code LECTERN_MPI} names the library where the right one is not found by itself; {@code none} says that this process is alone,
 * whoever started it.
 */
public final class MpiLauncher implements Launcher {
    private static final System.Logger LOG = System.getLogger(MpiLauncher.class.getName());

    /** For tests: longer messages are sent in pieces of so many bytes. */
    private static final String PIECE_PROPERTY = "lectern.mpi.pieceBytes";

    /** How many processes Open MPI, MPICH and Slurm say that they started. */
    private static final List<String> SIZES = List.of("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS");

    /** How many of them are on this host. */
    private static final List<String> HERE =
            List.of("OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE");

    private static final AtomicBoolean BEGUN = new AtomicBoolean();

    /** For the service loader. */
    public MpiLauncher() {}

    @Override
    public String name() {
        return "MPI";
    }

    @Override
    public boolean launched() {
        return launched(System.getenv());
    }

    static boolean launched(Map<String, String> environment) {
        if ("none".equals(environment.get(MpiLibrary.VARIABLE))) {
            return false;
        }
        // srun starts single processes too, which need no MPI.
        return environment.containsKey("OMPI_COMM_WORLD_SIZE")
                || environment.containsKey("PMI_SIZE")
                || environment.containsKey("PMIX_RANK")
                || expectedSize(environment) > 1;
    }

    @Override
    public int ranksHere() {
        return ranksHere(System.getenv());
    }

    static int ranksHere(Map<String, String> environment) {
        return Math.max(1, number(environment, HERE));
    }

    /** How many ranks the launcher speaks of; 0 if of none. */
    static int expectedSize(Map<String, String> environment) {
        return number(environment, SIZES);
    }

    private static int number(Map<String, String> environment, List<String> variables) {
        for (String variable : variables) {
            String size = environment.get(variable);
            if (size != null) {
                try {
                    // Slurm has them by host, as 4(x2),3: the first has the most.
                    return Integer.parseInt(size.split("[(,]", 2)[0]);
                } catch (NumberFormatException e) {
                    throw new LecternException(
                            Kind.BAD_OPTION, variable + "=" + size + " is no number of processes", e);
                }
            }
        }
        return 0;
    }

    @Override
    public <T> T run(Cancellation cancellation, RankWork<T> work) {
        if (!BEGUN.compareAndSet(false, true)) {
            throw new IllegalStateException("MPI begins once in a process");
        }
        MpiLibrary mpi = MpiLibrary.load(System.getenv());
        mpi.begin();
        int expected = expectedSize(System.getenv());
        if (expected != 0 && mpi.size() != expected) {
            String sentence = "The launcher started " + expected + " processes, but " + mpi.describe() + " knows of "
                    + mpi.size() + ": it is not the launcher's library. Set " + MpiLibrary.VARIABLE
                    + " to the file of the one that is.";
            mpi.finish();
            throw new LecternException(Kind.BAD_OPTION, sentence);
        }
        if (Runtime.getRuntime().availableProcessors() == 1 && mpi.size() > 1) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "Rank " + mpi.rank()
                            + " has one processor alone: if its host has more, start mpirun with --bind-to none.");
        }
        MpiCommunicator communicator = new MpiCommunicator(
                mpi,
                cancellation,
                Long.getLong(PIECE_PROPERTY, MpiCommunicator.PIECE_BYTES),
                Math.min(ranksHere(), mpi.size()));
        try {
            T result = work.run(communicator);
            communicator.finish();
            return result;
        } catch (LecternException told) {
            throw communicator.abort(told);
        } catch (RuntimeException | Error thrown) {
            throw communicator.end(thrown, Kind.INTERNAL.exitCode());
        }
    }
}
