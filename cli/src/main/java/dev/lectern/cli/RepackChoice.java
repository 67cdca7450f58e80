package dev.lectern.cli;

import dev.lectern.Model;
import dev.lectern.ModelOptions;
import dev.lectern.SessionOptions;
import picocli.CommandLine.Option;

/** Whether a copy of the weights is made. */
final class RepackChoice {
    @Option(
            names = "--no-repack",
            description = {
                "Use quantised weights as they are in the model file. Otherwise",
                "a copy of them, in a layout with which answers are written",
                "faster, is made on first use and kept in the cache folder."
            })
    boolean noRepack;

    /**
     * Opens a model; repacks its weights first, with progress shown, where that is due. What makes it slow on this machine is said once.
     */
    Model open(Surroundings surroundings, ModelChoice.Located located, ModelOptions options) {
        Model model = opened(surroundings, located, options);
        long weights = model.estimate(SessionOptions.DEFAULT, 1).weights();
        new Slowness().worst(weights).ifPresent(surroundings.console()::warn);
        return model;
    }

    private Model opened(Surroundings surroundings, ModelChoice.Located located, ModelOptions options) {
        ModelOptions known = options.withCalibrations(surroundings.hub().calibrationFolder(located.path()));
        if (noRepack) {
            return Model.open(located.path(), known);
        }
        ModelOptions repacked = known.withRepack(surroundings.hub().repackFolder(located.path()));
        try (ProgressLine line =
                new ProgressLine(surroundings.console(), "repacking weights", ProgressLine.Unit.BYTES, 0, -1)) {
            return Model.open(located.path(), repacked, line, surroundings.cancellation());
        }
    }
}
