package dev.lectern.cli;

import dev.lectern.SessionOptions;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How keys and values are stored. */
final class KvChoice {
    @Option(
            names = "--kv",
            paramLabel = "FORMAT",
            description = {
                "How keys and values are stored: f32, f16, bf16, int8, chl-8, chl-6,",
                "chl-5, chl-4, chl-3 or chl-2, for comparison hf-int8, hf-int4,",
                "hf-int2, kivi-4 or kivi-2; or apart as k=chl-8,v=chl-4; with options",
                "as hf-int4:group=32:residual=64:sinks=4 (docs/command-line.md).",
                "Default: k=chl-8,v=chl-4."
            })
    @Nullable
    String kv;

    @Option(
            names = "--kv-layers",
            paramLabel = "LAYER=FORMAT[,LAYER=FORMAT...]",
            description = {
                "Layers that store them otherwise, a layer being first, last or a",
                "number from 0: first=f16,last=k=f16,v=chl-8."
            })
    @Nullable
    String layers;

    /** Options with what was given. */
    SessionOptions choose(SessionOptions options) {
        SessionOptions chosen = kv == null ? options : options.withKv(kv);
        return layers == null ? chosen : chosen.withKvLayers(layers);
    }
}
