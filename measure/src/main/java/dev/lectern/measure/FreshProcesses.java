package dev.lectern.measure;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.Model;
import dev.lectern.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.stream.IntStream;

/** Both engines in processes that have just been started and end after one token, as a user meets them. */
final class FreshProcesses {
    private final PeersOptions options;
    private final BenchModel subject;
    private final int threads;
    private final Cancellation cancellation;

    /**
     * What one process did.
     *
     * @param firstToken seconds from its model being ready
     * @param firstAnswer seconds from the process being started
     * @param peak the most bytes that were resident
     */
    record Run(double firstToken, double firstAnswer, OptionalLong peak) {}

    /**
     * A text, and what both engines read of it.
     *
     * @param tokens with the one that the model wants at the beginning of every text, if it wants one
     */
    record Prompt(String text, int[] tokens) {
        /** The longest text of whole words that is no more than so many tokens. */
        static Prompt upTo(Model model, int most) {
            String all = BenchText.sentences(most / 8 + 1);
            int[] ends = IntStream.range(0, all.length())
                    .filter(i -> all.charAt(i) == ' ')
                    .toArray();
            int words = 0;
            for (int step = Integer.highestOneBit(ends.length); step > 0; step /= 2) {
                int tried = Math.min(ends.length, words + step);
                if (tokens(model, all.substring(0, ends[tried - 1])).length <= most) {
                    words = tried;
                }
            }
            String text = words == 0 ? "" : all.substring(0, ends[words - 1]);
            return new Prompt(text, tokens(model, text));
        }

        private static int[] tokens(Model model, String text) {
            Tokenizer tokenizer = model.tokenizer();
            int[] ids = model.tokenize(text);
            if (!tokenizer.addsBos() || tokenizer.bos().isEmpty()) {
                return ids;
            }
            int[] withBeginning = new int[ids.length + 1];
            withBeginning[0] = tokenizer.bos().getAsInt();
            System.arraycopy(ids, 0, withBeginning, 1, ids.length);
            return withBeginning;
        }
    }

    FreshProcesses(PeersOptions options, BenchModel subject, int threads, Cancellation cancellation) {
        this.options = options;
        this.subject = subject;
        this.threads = threads;
        this.cancellation = cancellation;
    }

    /** Lectern's command, with {@code generate}. */
    Run lectern(Prompt prompt, int context) {
        Path file = write(prompt.text());
        List<String> command = new ArrayList<>(options.lectern());
        command.addAll(List.of("generate", "--json", "--text", file.toString()));
        command.addAll(List.of("--model", subject.path().toAbsolutePath().toString()));
        command.addAll(List.of("--ctx", Integer.toString(context), "--max-tokens", "1"));
        command.addAll(List.of("--kv", "f16", "--threads", Integer.toString(threads)));
        if (subject.repack().isEmpty()) {
            command.add("--no-repack");
        }
        long began = System.nanoTime();
        try (JsonChild child = new JsonChild("lectern generate", command, cancellation)) {
            JsonFields json = child.answer();
            double answered = (System.nanoTime() - began) / 1e9;
            long read = json.object("tokens").whole("prompt");
            if (read != prompt.tokens().length) {
                throw failed("it read " + read + " tokens instead of " + prompt.tokens().length);
            }
            long peak = json.object("bytes").whole("peakRss");
            return new Run(
                    json.object("seconds").number("firstToken"),
                    answered,
                    peak > 0 ? OptionalLong.of(peak) : OptionalLong.empty());
        } finally {
            delete(file);
        }
    }

    private static LecternException failed(String message) {
        return new LecternException(LecternException.Kind.INTERNAL, "lectern generate failed: " + message);
    }

    /** llama.cpp under Python, on the same tokens. */
    Run llamaCpp(Prompt prompt, int context) {
        long began = System.nanoTime();
        try (LlamaCpp llama = new LlamaCpp(options.python(), cancellation)) {
            llama.open(subject.path(), context, threads);
            double firstToken = llama.readAndChoose(prompt.tokens());
            double answered = (System.nanoTime() - began) / 1e9;
            return new Run(firstToken, answered, llama.peak());
        }
    }

    /** What Python takes before llama.cpp is loaded. */
    OptionalLong bare() {
        try (LlamaCpp llama = new LlamaCpp(options.python(), cancellation)) {
            return llama.peak();
        }
    }

    private static Path write(String text) {
        try {
            return Files.writeString(Files.createTempFile("lectern-bench", ".txt"), text);
        } catch (IOException e) {
            throw new LecternException(
                    LecternException.Kind.NO_SPACE,
                    "The folder for temporary files cannot be written to (" + e.getMessage() + "): make room there.",
                    e);
        }
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            // A file in the folder for temporary ones: the system clears it away.
        }
    }
}
