package dev.lectern.cli;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.lang.reflect.Field;
import java.nio.charset.StandardCharsets;

/**
 * Standard error. The JVM writes there, before any code of ours runs, that the Vector API is an incubator module, and no flag
 * stops it. So the launcher script gives the JVM an empty standard error and the real one as another descriptor, which only a
 * private field of {@link FileDescriptor} can name (opening it by its path in /dev/fd would lose the place in a file, and does
 * not work for sockets).
 */
final class StandardError {
    private StandardError() {}

    /** @param descriptor its number; empty for the usual one */
    static PrintStream open(String descriptor) {
        FileDescriptor real = FileDescriptor.err;
        if (!descriptor.isEmpty()) {
            try {
                Field number = FileDescriptor.class.getDeclaredField("fd");
                number.setAccessible(true);
                FileDescriptor moved = new FileDescriptor();
                number.setInt(moved, Integer.parseInt(descriptor));
                real = moved;
            } catch (ReflectiveOperationException | RuntimeException e) {
                throw new IllegalStateException(
                        "java.base/java.io is not open to Lectern, as the launcher script opens it", e);
            }
        }
        return new PrintStream(new FileOutputStream(real), true, StandardCharsets.UTF_8);
    }
}
