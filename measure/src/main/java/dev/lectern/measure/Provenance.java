package dev.lectern.measure;

import dev.lectern.ModelOptions;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.core.JsonGenerator;

/**
 * Where a result comes from.
 *
 * @param command that gives it
 * @param commit of Lectern, {@value #UNKNOWN} outside a checkout; with {@value #CHANGED} behind it where files were changed after it, those of the folder docs aside: results are such files
 * @param date when it was there
 */
public record Provenance(String command, String commit, Machine machine, Instant date) {
    static final String UNKNOWN = "unknown";

    private static final String CHANGED = "+";

    /** The launcher script's path, as it says itself. */
    private static final String LAUNCHER = "lectern.launcher";

    private static final long PATIENCE_SECONDS = 10;

    private static final int COMMIT_DIGITS = 10;

    /** Of a result that has just been computed here. */
    public static Provenance here(String command) {
        return new Provenance(
                command, commitHere(), Machine.here(), Instant.now().truncatedTo(ChronoUnit.SECONDS));
    }

    /** Of a result that has just been computed here with a model that was opened so. */
    static Provenance here(String command, ModelOptions options) {
        return here(scaled(command, options));
    }

    /** A command with the scaling of positions that its model is opened with. */
    public static String scaled(String command, ModelOptions options) {
        return command
                + options.ropeScaling()
                        .map(scaling -> " --rope-scaling " + scaling)
                        .orElse("");
    }

    /** The same of what ended just now. */
    Provenance now() {
        return new Provenance(command, commit, machine, Instant.now().truncatedTo(ChronoUnit.SECONDS));
    }

    static String commitHere() {
        String launcher = System.getProperty(LAUNCHER);
        File home =
                launcher == null ? null : new File(launcher).getAbsoluteFile().getParentFile();
        return home == null ? UNKNOWN : commitOf(home);
    }

    /** @param home the folder of a checkout */
    static String commitOf(File home) {
        try {
            String commit = git(home, "rev-parse", "HEAD");
            String changes = git(home, "status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)docs");
            return commit.isEmpty() ? UNKNOWN : commit + (changes.isEmpty() ? "" : CHANGED);
        } catch (IOException e) {
            return UNKNOWN; // no git here, or no checkout
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return UNKNOWN;
        }
    }

    private static String git(File home, String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-C", home.getPath()));
        command.addAll(List.of(arguments));
        Process git = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        git.getOutputStream().close();
        String said = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8).strip();
        if (!git.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || git.exitValue() != 0) {
            git.destroyForcibly();
            throw new IOException("git says " + said);
        }
        return said;
    }

    /** Whether both are of the same commit and machine. Where files were changed after the commit none is: nobody knows what they were. */
    public boolean isLike(Provenance other) {
        return !isChanged() && commit.equals(other.commit) && machine.equals(other.machine);
    }

    /** Whether files were changed after the commit. */
    boolean isChanged() {
        return commit.endsWith(CHANGED);
    }

    /** Whether it is known of which commit it is. */
    public boolean isKnown() {
        return !commit.equals(UNKNOWN);
    }

    /** The commit's first ten digits, as pages tell it. */
    public String shortCommit() {
        return commit.substring(0, Math.min(COMMIT_DIGITS, commit.length())) + (isChanged() ? CHANGED : "");
    }

    /** Writes it as members of an object. */
    void write(JsonGenerator json) {
        json.writeStringProperty("command", command);
        json.writeStringProperty("commit", commit);
        json.writeStringProperty("date", date.toString());
        json.writeName("machine");
        machine.write(json);
    }

    /**
     * Reads it back.
     *
     * @throws IllegalArgumentException if something is missing
     */
    public static Provenance read(JsonFields json) {
        return new Provenance(
                json.text("command"),
                json.text("commit"),
                Machine.read(json.object("machine")),
                Instant.parse(json.text("date")));
    }
}
