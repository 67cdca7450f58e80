package dev.lectern.hub;

import java.time.Duration;

/**
 * How long the hub waits.
 *
 * @param connect for a host's name and for its connection; short, so that a machine without a network soon goes on to the
 *     next source
 * @param answer for the first line of an answer
 * @param stall for the next byte of a download
 * @param packages for any sign of life of a package download, which may compute for a while
 * @param retry before a failed request is made again; twice as long before the next
 */
public record Patience(Duration connect, Duration answer, Duration stall, Duration packages, Duration retry) {
    /** Five seconds for a connection, half a minute for an answer or the next byte, five minutes for pip. */
    public static final Patience DEFAULT = new Patience(
            Duration.ofSeconds(5),
            Duration.ofSeconds(30),
            Duration.ofSeconds(30),
            Duration.ofMinutes(5),
            Duration.ofSeconds(1));
}
