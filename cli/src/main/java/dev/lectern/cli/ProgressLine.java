package dev.lectern.cli;

import dev.lectern.Progress;
import java.util.Locale;
import java.util.function.LongSupplier;

/**
 * Shows on standard error how far something long has come: on a terminal a bar that moves, elsewhere a line every few
 * seconds, and nothing at all where it is over before anyone would ask.
 */
final class ProgressLine implements Progress, AutoCloseable {
    private static final int CELLS = 24;
    private static final double QUIET_SECONDS = 5;
    private static final double SILENCE_SECONDS = 30;
    private static final double REDRAW_SECONDS = 0.5;

    /** What is counted. Only tokens of one text take the longer the more there are before them. */
    enum Unit {
        TOKENS("tokens"),
        /** Tokens of many texts, which begin anew again and again. */
        TOKENS_IN_ALL("tokens"),
        PAGES("pages"),
        /** Of which only the share that is done says something to people. */
        WORK(""),
        BYTES("");

        private final String plural;

        Unit(String plural) {
            this.plural = plural;
        }

        private String amount(double count) {
            return this == BYTES ? Units.bytes(count) : Long.toString((long) count);
        }

        private String rate(double perSecond) {
            return this == BYTES ? Units.bytes(perSecond) + "/s" : Units.rate(perSecond) + " " + plural + "/s";
        }
    }

    private final Console console;
    private final String work;
    private final Unit unit;
    private final long before;
    private final LongSupplier nanoTime;
    private final long began;
    private final ReadingTime time;
    private final Thread ticker;

    private long done;
    private long total;
    private long firstDone = -1;
    private double since;
    private double lastReport;
    private double lastLine;
    private long shown;
    private boolean over;

    /**
     * @param work what is done, as one word: {@code reading}
     * @param before tokens that were read earlier; progress is of those after them
     * @param total of the units to do; −1 while unknown
     */
    ProgressLine(Console console, String work, Unit unit, long before, long total) {
        this(console, work, unit, before, total, System::nanoTime);
    }

    /** @param nanoTime a clock, as {@link System#nanoTime} is */
    ProgressLine(Console console, String work, Unit unit, long before, long total, LongSupplier nanoTime) {
        this.nanoTime = nanoTime;
        began = nanoTime.getAsLong();
        this.console = console;
        this.work = work;
        this.unit = unit;
        this.before = before;
        this.total = total;
        time = new ReadingTime(before);
        ticker = Thread.ofPlatform().name("progress").daemon().start(this::tick);
    }

    private void tick() {
        try {
            while (true) {
                Thread.sleep((long) (1000 * REDRAW_SECONDS));
                synchronized (this) {
                    if (over) {
                        return;
                    }
                    show();
                }
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Override
    public synchronized void report(long newDone, long newTotal) {
        if (over) {
            return;
        }
        double now = elapsed();
        if (firstDone < 0) {
            // A download that goes on from what an earlier one left did not fetch that in no time.
            firstDone = unit == Unit.BYTES ? newDone : 0;
            beginWork(newDone, now);
        } else if (newDone < done) {
            beginWork(newDone, now);
        }
        if (newDone > done) {
            lastReport = now;
            time.add(before + newDone, now);
        }
        done = newDone;
        total = newTotal;
    }

    /** What goes before work, and other work before it on the same line, says nothing of how fast this goes; nor does what was done of it earlier. */
    private void beginWork(long newDone, double now) {
        if (unit == Unit.WORK) {
            firstDone = newDone;
            since = now;
            lastReport = now;
        }
    }

    private double elapsed() {
        return (nanoTime.getAsLong() - began) / 1e9;
    }

    /** What it says now. */
    synchronized String text() {
        return text(elapsed());
    }

    private void show() {
        double now = elapsed();
        if (console.terminals().err()) {
            console.status(text(now));
        } else if (now - lastLine >= (done == shown ? SILENCE_SECONDS : QUIET_SECONDS)) {
            lastLine = now;
            shown = done;
            console.note("lectern: " + text(now));
        }
    }

    private String text(double now) {
        StringBuilder line = new StringBuilder(work);
        boolean known = total > 0;
        if (known) {
            double part = Math.clamp((double) done / total, 0, 1);
            if (console.terminals().err()) {
                line.append(' ').append(bar(part));
            }
            line.append(String.format(Locale.ROOT, " %3.0f %%", Math.floor(100 * part)));
        }
        if (unit != Unit.WORK) {
            line.append("  ").append(unit.amount(done));
            if (known) {
                line.append('/').append(unit.amount(total));
            }
            if (!unit.plural.isEmpty()) {
                line.append(' ').append(unit.plural);
            }
        }
        if (done > Math.max(0, firstDone) && now > 0) {
            double rate = (done - firstDone) / Math.max(lastReport - since, 1e-3);
            if (unit != Unit.WORK) {
                line.append("  ").append(unit.rate(rate));
            }
            if (known && (unit != Unit.WORK || lastReport - since >= QUIET_SECONDS)) {
                double left = unit == Unit.TOKENS ? time.until(before + total) : (total - done) / rate;
                line.append("  ").append(Units.clock(left - (now - lastReport))).append(" left");
            }
        }
        return line.toString();
    }

    private static String bar(double part) {
        int full = (int) Math.floor(part * CELLS);
        return "█".repeat(full) + "░".repeat(CELLS - full);
    }

    /** Takes the line away. */
    @Override
    public void close() {
        synchronized (this) {
            over = true;
            console.clearStatus();
        }
        ticker.interrupt();
    }
}
