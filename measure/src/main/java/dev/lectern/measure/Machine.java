package dev.lectern.measure;

import dev.lectern.Memory;
import dev.lectern.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import tools.jackson.core.JsonGenerator;

/**
 * Where something was measured; part of every result, since a time without its machine says nothing.
 *
 * @param cpu what the processor calls itself, or its architecture where it does not say
 * @param cores processors that the JVM may use
 * @param vectorBits width of the vectors that the kernels use; 0 without
 * @param memory bytes, or the limit of the container
 * @param os name, version and architecture
 * @param java version and name of the virtual machine
 */
public record Machine(String cpu, int cores, int vectorBits, long memory, String os, String java) {
    /** The machine this program runs on. */
    public static Machine here() {
        String architecture = System.getProperty("os.arch");
        return new Machine(
                cpu(Path.of("/proc/cpuinfo"), architecture),
                Runtime.getRuntime().availableProcessors(),
                Kernels.vectorBits(),
                Memory.total(),
                System.getProperty("os.name") + " " + System.getProperty("os.version") + " " + architecture,
                Runtime.version() + ", " + System.getProperty("java.vm.name"));
    }

    private static String cpu(Path cpuinfo, String architecture) {
        try {
            for (String line : Files.readAllLines(cpuinfo)) {
                int colon = line.indexOf(':');
                if (colon > 0 && line.substring(0, colon).strip().equals("model name")) {
                    return line.substring(colon + 1).strip();
                }
            }
        } catch (IOException e) {
            // A system without this file, or one that hides it: the architecture is what is known.
        }
        return architecture;
    }

    /** One line for people. */
    public String described() {
        return String.format(
                Locale.ROOT,
                "%s, %d %s, %s, %.1f GB; %s; Java %s",
                cpu,
                cores,
                cores == 1 ? "core" : "cores",
                vectorBits == 0 ? "no vectors" : vectorBits + "-bit vectors",
                memory / 1e9,
                os,
                java);
    }

    void write(JsonGenerator json) {
        json.writeStartObject();
        json.writeStringProperty("cpu", cpu);
        json.writeNumberProperty("cores", cores);
        json.writeNumberProperty("vectorBits", vectorBits);
        json.writeNumberProperty("memory", memory);
        json.writeStringProperty("os", os);
        json.writeStringProperty("java", java);
        json.writeEndObject();
    }

    static Machine read(JsonFields json) {
        return new Machine(
                json.text("cpu"),
                Math.toIntExact(json.whole("cores")),
                Math.toIntExact(json.whole("vectorBits")),
                json.whole("memory"),
                json.text("os"),
                json.text("java"));
    }
}
