package dev.lectern.measure;

import dev.lectern.LecternException;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@link KvCacheBench} measures.
 *
 * @param prompt the text before the generated ones
 * @param tokens to generate
 * @param runs of both ways, one after the other
 * @param threads that compute; 0 for all processors
 * @param kv format of the cache, one of {@link #FORMATS}
 * @param resume whether finished runs of an earlier, equal measurement by the same commit count
 * @param folder where the result is kept, beginning with the first finished run
 */
public record KvCacheOptions(String prompt, int tokens, int runs, int threads, String kv, boolean resume, Path folder) {
    /** Formats in which reading and decoding see the same keys and values: both ways can then choose the same tokens. */
    public static final List<String> FORMATS = List.of("f32", "f16", "bf16");

    /** The prompt where none is given. */
    static final String PROMPT = "What is KV caching?";

    private static final int MOST_RUNS = 1000;

    public KvCacheOptions {
        require(!prompt.isEmpty(), "--prompt is empty, but generating needs a text to go on from.");
        require(tokens >= 1, "--tokens is " + tokens + ", but it takes 1 or more.");
        require(runs >= 1 && runs <= MOST_RUNS, "--runs is " + runs + ", but it takes 1…" + MOST_RUNS + ".");
        require(
                FORMATS.contains(kv),
                "--kv is " + kv + ", but this bench compares the tokens of both ways, so it takes an exact format: "
                        + String.join(", ", FORMATS) + ".");
    }

    private static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, otherwise);
        }
    }

    /** 100 tokens, three runs, all processors, an f32 cache. */
    public static KvCacheOptions in(Path folder) {
        return new KvCacheOptions(PROMPT, 100, 3, 0, "f32", false, folder);
    }

    public KvCacheOptions withPrompt(String prompt) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }

    public KvCacheOptions withTokens(int tokens) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }

    public KvCacheOptions withRuns(int runs) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }

    public KvCacheOptions withThreads(int threads) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }

    public KvCacheOptions withKv(String kv) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }

    public KvCacheOptions withResume(boolean resume) {
        return new KvCacheOptions(prompt, tokens, runs, threads, kv, resume, folder);
    }
}
