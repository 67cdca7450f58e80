package dev.lectern.cli;

/** The value of an option that is on or off. */
enum Switch {
    on,
    off;

    boolean isOn() {
        return this == on;
    }
}
