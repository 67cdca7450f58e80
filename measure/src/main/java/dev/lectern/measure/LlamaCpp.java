package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.function.Consumer;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.ObjectWriteContext;
import tools.jackson.core.json.JsonFactory;

/** llama.cpp in a Python process of its own, which measures its own times; the script says what can be asked. */
final class LlamaCpp implements Engine {
    private static final String SCRIPT = "llama_peer.py";
    private static final JsonFactory JSON = JsonFactory.builder().build();

    /** Tokens in a request: llama.cpp reads so many at once, and progress is told after each. */
    private static final int CHUNK = 512;

    private final Path python;
    private final JsonChild child;
    private int length;
    private String version = "";
    private String system = "";

    /**
     * Starts Python; a model is not loaded yet.
     *
     * @param python that has the package llama_cpp
     */
    LlamaCpp(Path python, Cancellation cancellation) {
        this.python = python;
        child = new JsonChild("llama.cpp", List.of(python.toString(), "-c", script()), cancellation);
    }

    private static String script() {
        try (InputStream in = LlamaCpp.class.getResourceAsStream(SCRIPT)) {
            if (in == null) {
                throw new IllegalStateException(SCRIPT + " is missing from Lectern's own files");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new IllegalStateException(SCRIPT + " cannot be read", e);
        }
    }

    /** Loads a model, for sequences of up to {@code context} tokens over an f16 cache. */
    void open(Path model, int context, int threads) {
        open(model, context, threads, "F16");
    }

    /**
     * Loads a model.
     *
     * @param cache the type of keys and values: {@code F16}, {@code Q8_0}, {@code Q4_0}
     */
    void open(Path model, int context, int threads, String cache) {
        JsonFields opened = ask("open", json -> {
            json.writeStringProperty("model", model.toAbsolutePath().toString());
            json.writeNumberProperty("context", context);
            json.writeNumberProperty("threads", threads);
            json.writeStringProperty("cache", cache);
        });
        version = opened.text("version");
        system = opened.text("system").strip();
    }

    /** Of the Python package. */
    String version() {
        return version;
    }

    /** What it says of the instructions that it was built for. */
    String system() {
        return system;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public double read(int[] tokens, Work work) {
        double seconds = 0;
        for (int at = 0; at < tokens.length; at += CHUNK) {
            int[] chunk = Arrays.copyOfRange(tokens, at, Math.min(tokens.length, at + CHUNK));
            seconds += ask("read", json -> write(json, chunk)).number("seconds");
            work.did(Work.reading(length, chunk.length));
            length += chunk.length;
        }
        return seconds;
    }

    /** Reads tokens and chooses the likeliest next one; returns the seconds. */
    double readAndChoose(int[] tokens) {
        JsonFields read = ask("read", json -> {
            write(json, tokens);
            json.writeBooleanProperty("choose", true);
        });
        length += tokens.length;
        return read.number("seconds");
    }

    @Override
    public double decode(int[] tokens, Work work) {
        double seconds = ask("decode", json -> write(json, tokens)).number("seconds");
        work.did(Work.decoding(length, tokens.length));
        length += tokens.length;
        return seconds;
    }

    @Override
    public void truncate(int length) {
        ask("truncate", json -> json.writeNumberProperty("length", length));
        this.length = length;
    }

    /** The most bytes that were ever resident, Python's own included; empty where the system does not tell. */
    OptionalLong peak() {
        double bytes = ask("peak", json -> {}).optionalNumber("bytes");
        return Double.isNaN(bytes) ? OptionalLong.empty() : OptionalLong.of((long) bytes);
    }

    private static void write(JsonGenerator json, int[] tokens) {
        json.writeArrayPropertyStart("tokens");
        for (int token : tokens) {
            json.writeNumber(token);
        }
        json.writeEndArray();
    }

    private JsonFields ask(String what, Consumer<JsonGenerator> members) {
        StringWriter request = new StringWriter();
        try (JsonGenerator json = JSON.createGenerator(ObjectWriteContext.empty(), request)) {
            json.writeStartObject();
            json.writeStringProperty("do", what);
            members.accept(json);
            json.writeEndObject();
        }
        child.tell(request.toString());
        JsonFields answer = child.next();
        Optional<String> error = answer.optionalText("error");
        if (error.isPresent()) {
            boolean missing = error.get().startsWith("ModuleNotFoundError");
            throw new LecternException(
                    missing ? LecternException.Kind.BAD_OPTION : LecternException.Kind.INTERNAL,
                    missing
                            ? python + " has no llama.cpp (" + error.get()
                                    + "): leave --python out, and the bench installs it for itself."
                            : "llama.cpp failed: " + error.get());
        }
        return answer;
    }

    @Override
    public void close() {
        child.close();
    }
}
