package dev.lectern.hub;

import dev.lectern.LecternException;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.Proxy;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpClient;
import java.net.http.HttpConnectTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import javax.net.ssl.SSLException;

/**
 * GET over HTTP, for one pull. Redirects are followed here and not by the client, because the user's token must never
 * reach another host than the one it is for.
 */
final class Http implements AutoCloseable {
    private static final int REDIRECTS = 8;
    private static final int ATTEMPTS = 3;

    /** A download that got on by this many bytes before it failed has its attempts back. */
    private static final long GOOD_PROGRESS = 1 << 20;

    private final Patience patience;
    private final ProxyFromVariables proxies;
    private final HttpClient client;
    private final Optional<Token> token;

    /** What tells who the user is; sent to that origin alone. */
    record Token(URI origin, String secret) {}

    Http(Environment environment, Optional<Token> token) {
        this.patience = environment.patience();
        this.proxies = new ProxyFromVariables(environment);
        this.token = token;
        this.client = HttpClient.newBuilder()
                .version(HttpClient.Version.HTTP_1_1)
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(patience.connect())
                .proxy(proxies)
                .build();
    }

    @Override
    public void close() {
        client.shutdownNow();
    }

    Patience patience() {
        return patience;
    }

    /**
     * An answer that is no redirect; its body is read and closed by whoever asked.
     *
     * @param announcedHash the {@code X-Linked-Etag} of an answer on the way: for a large file, its SHA-256
     */
    record Answer(HttpResponse<InputStream> response, Optional<String> announcedHash) implements AutoCloseable {
        int status() {
            return response.statusCode();
        }

        Optional<String> header(String name) {
            return response.headers().firstValue(name);
        }

        @Override
        public void close() throws IOException {
            response.body().close();
        }
    }

    /** Something that may work when it is tried again. */
    @FunctionalInterface
    interface Attempt<T> {
        T run() throws IOException, SourceFailedException;
    }

    /**
     * Tries again what was cut, stalled or refused for the moment. A host that cannot be reached, or sends nothing, is
     * given up at once.
     *
     * @param position the bytes received so far
     */
    <T> T persistently(Attempt<T> attempt, LongSupplier position, Caller caller) throws SourceFailedException {
        long start = position.getAsLong();
        long before = start;
        Duration pause = patience.retry();
        for (int failures = 1; ; failures++) {
            try {
                return attempt.run();
            } catch (IOException e) {
                long now = position.getAsLong();
                if (now - before >= GOOD_PROGRESS) {
                    failures = 1;
                    pause = patience.retry();
                }
                before = Math.max(before, now);
                boolean unreachable = isUnreachable(e) && now == start;
                if (failures >= ATTEMPTS || unreachable) {
                    throw new SourceFailedException(LecternException.Kind.NO_NETWORK, clause(e));
                }
                caller.sleep(pause);
                pause = pause.multipliedBy(2);
            }
        }
    }

    /**
     * Asks for a resource and follows redirects.
     *
     * @throws SourceFailedException if the server refuses for good
     * @throws IOException if it may be tried again
     */
    Answer get(URI start, Map<String, String> headers, Caller caller) throws IOException, SourceFailedException {
        URI uri = start;
        Optional<String> announced = Optional.empty();
        for (int hop = 0; hop <= REDIRECTS; hop++) {
            HttpResponse<InputStream> response = send(request(uri, headers), caller);
            int status = response.statusCode();
            if (announced.isEmpty()) {
                announced = response.headers().firstValue("X-Linked-Etag").map(tag -> tag.replace("\"", ""));
            }
            Optional<String> location = response.headers().firstValue("Location");
            boolean redirect = status >= 301 && status <= 308 && status != 304 && location.isPresent();
            if (!redirect) {
                Answer answer = new Answer(response, announced);
                if (status >= 400 && status != 416) {
                    answer.close();
                    throw refused(status);
                }
                return answer;
            }
            response.body().close();
            uri = target(uri, location.orElseThrow());
        }
        throw new SourceFailedException(
                LecternException.Kind.NO_NETWORK, "the server redirects more than " + REDIRECTS + " times");
    }

    private HttpRequest request(URI uri, Map<String, String> headers) throws SourceFailedException {
        try {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri).GET().header("User-Agent", "lectern");
            headers.forEach(request::header);
            if (token.isPresent() && sameOrigin(uri, token.get().origin())) {
                request.header("Authorization", "Bearer " + token.get().secret());
            }
            return request.build();
        } catch (IllegalArgumentException e) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "\"" + FileNames.shown(uri.toString()) + "\" is no web address");
        }
    }

    private HttpResponse<InputStream> send(HttpRequest request, Caller caller)
            throws IOException, SourceFailedException {
        URI uri = request.uri();
        if (proxies.select(uri).getFirst().type() == Proxy.Type.DIRECT) {
            // The client's own time-out begins only after the look-up, which blocks for long where no name server
            // answers.
            Interruptible.call(
                    () -> InetAddress.getByName(uri.getHost()),
                    () -> 0,
                    patience.connect(),
                    "no name server answered within " + patience.connect().toSeconds() + " s",
                    position -> {},
                    caller);
        }
        return Interruptible.call(
                () -> client.send(request, HttpResponse.BodyHandlers.ofInputStream()),
                () -> 0,
                patience.answer(),
                "no answer within " + patience.answer().toSeconds() + " s",
                position -> {},
                caller);
    }

    private static URI target(URI from, String location) throws SourceFailedException {
        URI to;
        try {
            to = from.resolve(location);
        } catch (IllegalArgumentException e) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK, "the server redirects to what is no address");
        }
        String scheme = String.valueOf(to.getScheme()).toLowerCase(Locale.ROOT);
        boolean weaker = "https".equalsIgnoreCase(from.getScheme()) && !scheme.equals("https");
        if (weaker || !(scheme.equals("http") || scheme.equals("https")) || to.getHost() == null) {
            throw new SourceFailedException(
                    LecternException.Kind.NO_NETWORK,
                    "the server redirects to \"" + FileNames.shown(scheme + "://" + to.getHost())
                            + "\", which is not followed");
        }
        return to;
    }

    private static boolean sameOrigin(URI a, URI b) {
        return String.valueOf(a.getScheme()).equalsIgnoreCase(b.getScheme())
                && String.valueOf(a.getHost()).equalsIgnoreCase(b.getHost())
                && port(a) == port(b);
    }

    private static int port(URI uri) {
        if (uri.getPort() >= 0) {
            return uri.getPort();
        }
        return "https".equalsIgnoreCase(uri.getScheme()) ? 443 : 80;
    }

    private static IOException refused(int status) throws SourceFailedException {
        String clause = switch (status) {
            case 401 ->
                "it wants to know who asks (401): no such public repository; check the name, or set HF_TOKEN to a"
                        + " token that may read it";
            case 403 ->
                "it refuses (403): where the model has terms, accept them on its page, and set HF_TOKEN to a token"
                        + " that may read it";
            case 404 -> "it has no such repository or file (404)";
            case 429 -> "it has had too many requests (429): wait a while, or set HF_TOKEN";
            default -> status >= 500 ? "the server failed (" + status + ")" : "it refuses the request (" + status + ")";
        };
        if (status == 408 || status == 429 || status >= 500) {
            return new IOException(clause);
        }
        LecternException.Kind kind = status == 401 || status == 403 || status == 404
                ? LecternException.Kind.NOT_FOUND
                : LecternException.Kind.NO_NETWORK;
        throw new SourceFailedException(kind, clause);
    }

    private static boolean isUnreachable(IOException e) {
        return e instanceof ConnectException
                || e instanceof UnknownHostException
                || e instanceof HttpTimeoutException
                || e instanceof SSLException;
    }

    private String clause(IOException e) {
        return switch (e) {
            case UnknownHostException _ -> "its name is not known here (no network, or a wrong HF_ENDPOINT)";
            case HttpConnectTimeoutException _ ->
                "no connection within " + patience.connect().toSeconds() + " s";
            case ConnectException _ -> "no connection (refused, or no way to it)";
            case SSLException _ -> "no secure connection (" + e.getMessage() + ")";
            default -> e.getMessage() == null ? "the connection was cut" : FileNames.shown(e.getMessage());
        };
    }
}
