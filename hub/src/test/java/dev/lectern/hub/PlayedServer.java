package dev.lectern.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** An HTTP server of this program that plays Hugging Face, and remembers what it was asked. */
final class PlayedServer implements AutoCloseable {
    /** One request as it came. */
    record Request(String target, Map<String, List<String>> headers) {
        Optional<String> header(String name) {
            return Optional.ofNullable(headers.get(name)).map(List::getFirst);
        }
    }

    /** Answers one request. */
    @FunctionalInterface
    interface Answer {
        void to(HttpExchange exchange) throws IOException;
    }

    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final List<Request> requests = new CopyOnWriteArrayList<>();

    PlayedServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", exchange -> {
            try (exchange) {
                String path = exchange.getRequestURI().getPath();
                requests.add(
                        new Request(exchange.getRequestURI().toString(), Map.copyOf(exchange.getRequestHeaders())));
                answers.getOrDefault(path, e -> e.sendResponseHeaders(404, -1)).to(exchange);
            }
        });
        server.start();
    }

    void answer(String path, Answer answer) {
        answers.put(path, answer);
    }

    List<Request> requests() {
        return requests;
    }

    /** The requests whose target begins with the path. */
    List<Request> requests(String path) {
        return requests.stream().filter(r -> r.target().startsWith(path)).toList();
    }

    int port() {
        return server.getAddress().getPort();
    }

    String address() {
        return "http://127.0.0.1:" + port();
    }

    @Override
    public void close() {
        server.stop(0);
        threads.shutdownNow();
    }

    /** The whole file, or the range that is asked for if the tag still fits. */
    static Answer file(byte[] content, String etag) {
        return exchange -> send(exchange, content, etag, content.length);
    }

    /** The same, but the connection is cut after that many bytes of the body. */
    static Answer cutFile(byte[] content, String etag, int after) {
        return exchange -> send(exchange, content, etag, after);
    }

    /** An answer with a body, whatever was asked. */
    static Answer body(byte[] content) {
        return exchange -> {
            exchange.sendResponseHeaders(200, content.length == 0 ? -1 : content.length);
            exchange.getResponseBody().write(content);
        };
    }

    static Answer status(int status) {
        return exchange -> exchange.sendResponseHeaders(status, -1);
    }

    static Answer redirect(String location) {
        return exchange -> {
            exchange.getResponseHeaders().set("Location", location);
            exchange.sendResponseHeaders(302, -1);
        };
    }

    private static void send(HttpExchange exchange, byte[] content, String etag, int cutAfter) throws IOException {
        exchange.getResponseHeaders().set("ETag", etag);
        String range = exchange.getRequestHeaders().getFirst("Range");
        String condition = exchange.getRequestHeaders().getFirst("If-Range");
        int from = 0;
        if (range != null && (condition == null || condition.equals(etag))) {
            from = Integer.parseInt(range.substring("bytes=".length(), range.length() - 1));
            exchange.getResponseHeaders()
                    .set("Content-Range", "bytes " + from + "-" + (content.length - 1) + "/" + content.length);
            exchange.sendResponseHeaders(206, content.length - from);
        } else {
            exchange.sendResponseHeaders(200, content.length);
        }
        OutputStream out = exchange.getResponseBody();
        out.write(content, from, Math.min(cutAfter, content.length - from));
        out.flush();
    }
}
