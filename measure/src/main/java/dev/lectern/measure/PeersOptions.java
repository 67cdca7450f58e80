package dev.lectern.measure;

import dev.lectern.LecternException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What {@link PeersBench} measures.
 *
 * @param rows which of its comparisons
 * @param pairs how often each engine takes its turn
 * @param depth tokens cached before the prompt in the deep rows
 * @param promptTokens read in one go
 * @param decodeTokens decoded after them
 * @param threads of both; 0 for all processors
 * @param python that has the package llama_cpp
 * @param lectern the command that starts Lectern, without arguments
 * @param version of Lectern
 * @param folder where results are kept
 */
public record PeersOptions(
        Set<PeerRow> rows,
        int pairs,
        int depth,
        int promptTokens,
        int decodeTokens,
        int threads,
        Path python,
        List<String> lectern,
        String version,
        Path folder) {
    public static final int PAIRS = 5;
    public static final int DEPTH = 7168;
    public static final int PROMPT_TOKENS = 512;
    public static final int DECODE_TOKENS = 48;

    /** Sequences decoded together. */
    static final int BATCH = 8;

    /** Tokens that a fresh process reads before its first token; fewer where the model holds fewer. */
    static final int FIRST_TOKENS = 4000;

    /** Tokens of the context whose memory is compared; fewer where the model holds fewer. */
    static final int MEMORY_TOKENS = 8192;

    private static final int MOST = 1 << 30;

    public PeersOptions {
        rows = Set.copyOf(rows);
        lectern = List.copyOf(lectern);
        within("--pairs", pairs, 1, 1000);
        within("--depth", depth, 1, MOST);
        within("--prompt-tokens", promptTokens, 1, MOST);
        within("--decode-tokens", decodeTokens, 1, MOST);
        if (rows.isEmpty()) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "--rows is empty, but it takes names of rows.");
        }
    }

    private static void within(String option, int value, int least, int most) {
        if (value < least || value > most) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    option + " is " + value + ", but it takes " + least + "…" + most + ".");
        }
    }

    /** Where a result is kept: as {@link PeersResult#name} says, with the rows in the name where they are not all, so that some do not take the place of all. */
    public Path file(PeersResult result) {
        String some = rows.size() == PeerRow.values().length
                ? ""
                : rows.stream().sorted().map(row -> "-" + row.key()).collect(Collectors.joining());
        return folder.resolve(result.name() + some + ".json");
    }

    /** Whether the sizes are those for which the rows have targets. */
    boolean usualSizes(int actualThreads) {
        return depth == DEPTH && promptTokens == PROMPT_TOKENS && actualThreads == 2;
    }

    boolean has(PeerRow... any) {
        for (PeerRow row : any) {
            if (rows.contains(row)) {
                return true;
            }
        }
        return false;
    }
}
