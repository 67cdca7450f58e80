package dev.lectern;

import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Finds the real models that some tests need. Looked for in this order: the system property {@code lectern.test.smollm2} or
 * {@code lectern.test.qwen} (a GGUF file), the folder in the environment variable {@code LECTERN_TEST_MODELS}, and the cache
 * folder into which {@code lectern pull} puts them. Where a model is absent, the test is aborted, not failed.
 */
public final class TestModels {
    private TestModels() {}

    /** SmolLM2-135M-Instruct, Q4_1. */
    public static Path smollm2() {
        return find("lectern.test.smollm2", "smollm2-135m");
    }

    /** Qwen2.5-Coder-0.5B-Instruct, Q4_K_M. */
    public static Path qwen() {
        return find("lectern.test.qwen", "qwen2.5-coder-0.5b");
    }

    /** The folder that programs may fill and empty as they like. */
    public static Path cache() {
        String own = System.getenv("LECTERN_CACHE");
        if (own != null && !own.isEmpty()) {
            return Path.of(own);
        }
        String xdg = System.getenv("XDG_CACHE_HOME");
        Path base = xdg != null && Path.of(xdg).isAbsolute()
                ? Path.of(xdg)
                : Path.of(System.getProperty("user.home"), ".cache");
        return base.resolve("lectern");
    }

    private static Path find(String property, String name) {
        String file = System.getProperty(property);
        if (file != null) {
            return Path.of(file);
        }
        String folder = System.getenv("LECTERN_TEST_MODELS");
        Path models = folder == null ? cache().resolve("models") : Path.of(folder);
        try (DirectoryStream<Path> found = Files.newDirectoryStream(models.resolve(name), "*.gguf")) {
            for (Path model : found) {
                return model;
            }
        } catch (IOException e) {
            // No such folder: as if it were empty.
        }
        return abort("The model " + name + " is not here; \"lectern pull " + name + "\" fetches it for this test.");
    }
}
