package dev.lectern.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * The proxy that {@code https_proxy}, {@code http_proxy}, {@code all_proxy} and {@code no_proxy} name, in small or capital
 * letters, as curl and pip read them. A name and password in a proxy's address are not used.
 */
final class ProxyFromVariables extends ProxySelector {
    private static final List<Proxy> DIRECT = List.of(Proxy.NO_PROXY);

    private final Environment environment;

    ProxyFromVariables(Environment environment) {
        this.environment = environment;
    }

    @Override
    public List<Proxy> select(URI uri) {
        String scheme = String.valueOf(uri.getScheme()).toLowerCase(Locale.ROOT);
        String host = String.valueOf(uri.getHost()).toLowerCase(Locale.ROOT);
        if (isExcepted(host)) {
            return DIRECT;
        }
        Optional<String> address = either(scheme + "_proxy").or(() -> either("all_proxy"));
        return address.flatMap(ProxyFromVariables::socket)
                .map(socket -> List.of(new Proxy(Proxy.Type.HTTP, socket)))
                .orElse(DIRECT);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {
        // There is no second proxy to fall back on; the request itself reports the failure.
    }

    private Optional<String> either(String name) {
        return environment.variable(name).or(() -> environment.variable(name.toUpperCase(Locale.ROOT)));
    }

    private boolean isExcepted(String host) {
        for (String entry :
                either("no_proxy").orElse("").toLowerCase(Locale.ROOT).split(",", -1)) {
            String suffix = entry.strip().replaceFirst("^\\*?\\.", "");
            boolean fits = host.equals(suffix) || host.endsWith("." + suffix);
            if (suffix.equals("*") || (!suffix.isEmpty() && fits)) {
                return true;
            }
        }
        return false;
    }

    private static Optional<InetSocketAddress> socket(String address) {
        try {
            URI uri = URI.create(address.contains("://") ? address : "http://" + address);
            if (uri.getHost() == null) {
                return Optional.empty();
            }
            return Optional.of(
                    InetSocketAddress.createUnresolved(uri.getHost(), uri.getPort() < 0 ? 80 : uri.getPort()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
