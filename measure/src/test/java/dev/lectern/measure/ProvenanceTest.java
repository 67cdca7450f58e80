package dev.lectern.measure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ProvenanceTest {
    @TempDir
    Path home;

    private static Provenance of(String commit) {
        return new Provenance("lectern", commit, Machine.here(), Instant.EPOCH);
    }

    @Test
    void onlyResultsOfTheSameCommitWithoutChangesAreAlike() {
        assertThat(of("abc").isLike(of("abc"))).isTrue();
        assertThat(of("abc").isLike(of("abd"))).isFalse();
        assertThat(of("abc").isLike(of("abc+"))).isFalse();
        assertThat(of("abc+").isLike(of("abc"))).isFalse();
        assertThat(of("abc+").isLike(of("abc+"))).isFalse();
    }

    @Test
    void changesOfTheDocsAreNoChangesOfTheCommit() throws IOException, InterruptedException {
        Path result = home.resolve("docs/results/result.json"), source = home.resolve("Source.java");
        Files.createDirectories(home.resolve("docs/results"));
        Files.writeString(result, "{}");
        Files.writeString(source, "class Source {}");
        git("init", "-q");
        git("add", ".");
        git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-q", "-m", "a");
        String commit = Provenance.commitOf(home.toFile());
        assertThat(commit).matches("[0-9a-f]{40,}");
        Files.writeString(result, "{\"results\":[]}");
        assertThat(Provenance.commitOf(home.toFile())).isEqualTo(commit);
        Files.writeString(source, "class Source { }");
        assertThat(Provenance.commitOf(home.toFile())).isEqualTo(commit + "+");
    }

    private void git(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of("git", "-C", home.toString()));
        command.addAll(List.of(arguments));
        assertThat(new ProcessBuilder(command).inheritIO().start().waitFor()).isZero();
    }
}
