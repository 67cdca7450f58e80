package dev.lectern.hub;

import dev.lectern.LecternException;
import dev.lectern.hub.HttpDownload.RemoteFile;
import dev.lectern.json.Json;
import dev.lectern.json.MalformedJsonException;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Hugging Face, or a mirror that {@code HF_ENDPOINT} names: where a repository's files are, and what the repository says
 * of them. Its listing gives the SHA-256 of large files and git's hash of small ones.
 */
final class HuggingFace {
    private static final String HOME = "https://huggingface.co";
    private static final int PAGES = 50;
    private static final int PAGE_BYTES = 32 << 20;
    private static final Pattern NEXT = Pattern.compile("<([^<>]+)>;\\s*rel=\"next\"");

    private final URI endpoint;

    private HuggingFace(URI endpoint) {
        this.endpoint = endpoint;
    }

    /**
     * The place that the environment names.
     *
     * @throws LecternException of kind {@code BAD_OPTION} if {@code HF_ENDPOINT} is no web address
     */
    static HuggingFace of(Environment environment) {
        String address = environment.variable("HF_ENDPOINT").orElse(HOME).replaceFirst("/+$", "");
        try {
            URI uri = new URI(address);
            boolean web = "https".equalsIgnoreCase(uri.getScheme()) || "http".equalsIgnoreCase(uri.getScheme());
            if (web && uri.getHost() != null) {
                return new HuggingFace(uri);
            }
        } catch (URISyntaxException e) {
            throw new LecternException(LecternException.Kind.BAD_OPTION, noAddress(address), e);
        }
        throw new LecternException(LecternException.Kind.BAD_OPTION, noAddress(address));
    }

    private static String noAddress(String address) {
        return "HF_ENDPOINT is \"" + FileNames.shown(address)
                + "\", which is no address that begins with https:// or http://.";
    }

    /** The user's token, for this place alone. */
    Optional<Http.Token> token(Environment environment) {
        Optional<String> secret = environment.variable("HF_TOKEN");
        if (secret.isPresent() && !secret.get().chars().allMatch(c -> c > ' ' && c < 127)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION, "HF_TOKEN holds characters that no token has: set it again.");
        }
        return secret.map(value -> new Http.Token(endpoint, value));
    }

    /** Where the bytes of a file are. */
    URI address(String repository, String revision, String file) {
        return URI.create(endpoint + "/" + escaped(repository) + "/resolve/" + escaped(revision) + "/" + escaped(file));
    }

    private static String escaped(String path) {
        try {
            // The constructor escapes what may not stand in a path; a colon is safe after the slash.
            return new URI(null, null, "/" + path, null).toASCIIString().substring(1);
        } catch (URISyntaxException e) {
            throw new IllegalArgumentException(path, e);
        }
    }

    /**
     * A file of a repository.
     *
     * @param digest absent where the listing gives none
     */
    record Entry(String path, long bytes, Optional<Digest> digest) {}

    /** All files of a repository. Names are as the server gives them: not yet trusted. */
    List<Entry> list(String repository, Http http, Caller caller) throws SourceFailedException {
        List<Entry> entries = new ArrayList<>();
        URI first = URI.create(endpoint + "/api/models/" + escaped(repository) + "/tree/main?recursive=true");
        Optional<URI> page = Optional.of(first);
        for (int i = 0; page.isPresent(); i++) {
            if (i == PAGES) {
                throw new SourceFailedException(
                        LecternException.Kind.NO_NETWORK, "its list of files has more than " + PAGES + " pages");
            }
            URI current = page.get();
            page = http.persistently(() -> page(current, http, entries, caller), () -> 0, caller);
        }
        return entries;
    }

    private static Optional<URI> page(URI uri, Http http, List<Entry> entries, Caller caller)
            throws IOException, SourceFailedException {
        try (Http.Answer answer = http.get(uri, Map.of(), caller)) {
            byte[] body = body(answer.response().body(), http, caller);
            for (JsonFields fields : JsonFields.listOf(Json.parse(body))) {
                if (fields.optionalText("type").orElse("").equals("file")) {
                    entries.add(entry(fields));
                }
            }
            Matcher next = NEXT.matcher(answer.header("Link").orElse(""));
            return next.find() ? Optional.of(uri.resolve(next.group(1))) : Optional.empty();
        } catch (MalformedJsonException | IllegalArgumentException e) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "its list of files cannot be understood: " + e.getMessage());
        }
    }

    private static byte[] body(InputStream in, Http http, Caller caller) throws IOException, SourceFailedException {
        AtomicLong position = new AtomicLong();
        return Interruptible.call(
                () -> {
                    byte[] bytes = in.readNBytes(PAGE_BYTES + 1);
                    if (bytes.length > PAGE_BYTES) {
                        throw new SourceFailedException(
                                LecternException.Kind.NO_NETWORK,
                                "a page of its list of files has more than " + Numbers.grouped(PAGE_BYTES) + " bytes");
                    }
                    return bytes;
                },
                position::get,
                http.patience().stall(),
                "its list of files did not come within "
                        + http.patience().stall().toSeconds() + " s",
                at -> {},
                caller);
    }

    private static Entry entry(JsonFields fields) {
        Optional<JsonFields> large = fields.optionalObject("lfs");
        String name = fields.text("path");
        if (large.isPresent()) {
            Optional<Digest> sha256 =
                    large.get().optionalText("oid").filter(Digest.Sha256::fits).map(Digest.Sha256::new);
            return new Entry(name, large.get().number("size"), sha256);
        }
        Optional<Digest> git =
                fields.optionalText("oid").filter(Digest.GitBlob::fits).map(Digest.GitBlob::new);
        return new Entry(name, fields.number("size"), git);
    }

    /** The entry as a file to bring. */
    RemoteFile remoteFile(String repository, Entry entry) throws SourceFailedException {
        Digest digest = entry.digest()
                .orElseThrow(() -> new SourceFailedException(
                        LecternException.Kind.CHECKSUM,
                        "its list of files gives no checksum of " + FileNames.shown(entry.path())));
        return new RemoteFile(address(repository, "main", entry.path()), entry.path(), entry.bytes(), digest);
    }
}
