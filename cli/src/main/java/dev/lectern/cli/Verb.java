package dev.lectern.cli;

/** One thing that the command can do. Its fields are filled from the command line. */
interface Verb {
    /**
     * Does it.
     *
     * @throws dev.lectern.LecternException with a sentence for the user, if it cannot be done
     */
    void run(Surroundings surroundings);
}
