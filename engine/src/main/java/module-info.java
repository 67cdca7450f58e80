/** Lectern's engine: reads very long documents with a language model and answers questions about them. */
module dev.lectern {
    requires jdk.incubator.vector;
    requires tools.jackson.core;
    requires static org.jspecify;
    requires jdk.jfr;
    requires jdk.management;

    exports dev.lectern;
    exports dev.lectern.text;
    exports dev.lectern.comm to
            dev.lectern.mpi;

    uses dev.lectern.comm.Launcher;
}
