package dev.lectern.cli;

import dev.lectern.measure.BenchModel;
import java.nio.file.Path;
import java.util.List;

/** The published figures that are times: benches, which want an idle machine. */
final class Timed {
    static final List<String> NAMES = List.of("kv-cache", "peers");

    private Timed() {}

    /**
     * Runs a bench as its verb does, into the folder of the pages.
     *
     * @param resume whether finished runs of an equal measurement by the same commit count
     */
    static void run(
            String name,
            boolean resume,
            Surroundings surroundings,
            Path pages,
            ComputeChoice compute,
            RepackChoice repack) {
        String results = pages.resolve("results").toString();
        String record = pages.resolve("measurements.md").toString();
        if (name.equals("peers")) {
            PeersCommand peers = new PeersCommand();
            peers.folder = results;
            peers.record = record;
            peers.threads = compute.threads;
            peers.repackChoice = repack;
            peers.run(surroundings);
            return;
        }
        for (String model : List.of(BenchModel.GPT2_SHAPE, "smollm2-135m")) {
            KvCacheCommand bench = new KvCacheCommand();
            bench.model = model;
            bench.tokens = 200;
            bench.runs = 2;
            bench.folder = results;
            bench.record = record;
            bench.threads = compute.threads;
            bench.resume = resume;
            bench.run(surroundings);
        }
    }
}
