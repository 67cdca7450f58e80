package dev.lectern.cli;

import dev.lectern.Cancellation;
import dev.lectern.LecternException;
import dev.lectern.comm.Communicator;
import dev.lectern.comm.Hosts;
import dev.lectern.comm.Launcher;
import dev.lectern.hub.Hub;
import dev.lectern.kernel.Kernels;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.HelpCommand;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The {@code lectern} command. */
@Command(
        name = "lectern",
        versionProvider = Lectern.Version.class,
        customSynopsis = "lectern VERB [OPTIONS] [ARGUMENTS]",
        description = {
            "Reads long documents with a language model, on this computer, and answers questions about them.",
            ""
        },
        commandListHeading = "%nVerbs:%n",
        footer = {
            "",
            "First steps:",
            "  lectern ask examples/harbour-report.md \"How many days did crane number three stand still?\"",
            "  lectern chat",
            "  lectern ask --help",
            "",
            "Every option can also stand in a file (~/.config/lectern/config.properties, or where LECTERN_CONFIG says; a line"
                    + " such as threads = 4) or in a variable (LECTERN_THREADS=4). The command line wins over variables, and"
                    + " variables over the file.",
            "",
            "Exit codes: 0 done, 1 failure, 2 a mistake in what was given, 130 interrupted."
        })
public final class Lectern {
    /** Which standard streams are terminals, as digits; set by the launcher script. */
    private static final String TERMINALS = "lectern.terminals";

    /** The file descriptor that standard error was moved to by the launcher script. */
    private static final String STANDARD_ERROR = "lectern.stderr";

    /** How long a rank waits for another: as long as that may fetch a model, or read what is typed. Whoever has vanished is noticed by who started the ranks. */
    private static final Duration PATIENCE = Duration.ofDays(1);

    /** How long another rank than the first waits before it ends all: most mistakes are met by all ranks, and the first speaks to the user. */
    private static final long FIRST_SPEAKS_NANOS = 1_000_000_000;

    private static final Map<String, Supplier<Object>> VERBS = new LinkedHashMap<>();

    static {
        VERBS.put("ask", AskCommand::new);
        VERBS.put("read", ReadCommand::new);
        VERBS.put("chat", ChatCommand::new);
        VERBS.put("generate", GenerateCommand::new);
        VERBS.put("pull", PullCommand::new);
        VERBS.put("models", ModelsCommand::new);
        VERBS.put("cache", CacheCommand::new);
        VERBS.put("inspect", InspectCommand::new);
        VERBS.put("estimate", EstimateCommand::new);
        VERBS.put("tokenize", TokenizeCommand::new);
        VERBS.put("score", ScoreCommand::new);
        VERBS.put("doctor", DoctorCommand::new);
        VERBS.put("bench", BenchCommand::new);
        VERBS.put("eval", EvalCommand::new);
        VERBS.put("analyze", AnalyzeCommand::new);
        VERBS.put("calibrate", CalibrateCommand::new);
        VERBS.put("train-retaining-heads", RetainingHeadsCommand::new);
    }

    /** The verb that looks at the names of all options. */
    private static final String NEEDS_ALL = "doctor";

    @Option(names = "--version", versionHelp = true, description = "Show the versions of Lectern and of Java.")
    boolean version;

    private final Surroundings surroundings;
    private final AtomicBoolean reported = new AtomicBoolean();
    volatile boolean json;

    Lectern(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** Runs the command and ends the JVM with its exit code. */
    public static void main(String[] args) {
        PrintStream err = StandardError.open(System.getProperty(STANDARD_ERROR, ""));
        System.setErr(err);
        Map<String, String> variables = System.getenv();
        Console console = new Console(
                System.in,
                new FileOutputStream(FileDescriptor.out),
                err,
                Console.Terminals.told(System.getProperty(TERMINALS, "")),
                !variables.containsKey("NO_COLOR") && !"dumb".equals(variables.get("TERM")));
        WarningLines.to(console::warn);
        Cancellation cancellation = new Cancellation();
        Lectern lectern =
                new Lectern(new Surroundings(console, Hub.system(), variables, cancellation, Uptime::seconds));
        Interruption interruption = Interruption.of(cancellation, lectern::sayInterrupted);
        int exitCode = lectern.run(args);
        console.clearStatus();
        interruption.over();
        System.exit(exitCode);
    }

    /** Runs the command; the result is its exit code. */
    int run(String... args) {
        Console console = surroundings.console();
        json = Arrays.asList(args).contains("--json");
        Optional<Settings> settings = Optional.empty();
        try {
            CommandLine line = commandLine(args);
            settings = Optional.of(Settings.read(surroundings, this::commandLine));
            line.setDefaultValueProvider(settings.get());
            refuseBrokenText(args);
            ParseResult parsed = line.parseArgs(args);
            StringWriter help = new StringWriter();
            line.setOut(new PrintWriter(help)).setErr(new PrintWriter(help));
            eachBelow(line, verb -> verb.setOut(new PrintWriter(help)));
            if (CommandLine.executeHelpRequest(parsed) != null) {
                console.print(help.toString());
                return 0;
            }
            List<CommandLine> chain = parsed.asCommandLineList();
            if (!(chain.getLast().getCommandSpec().userObject() instanceof Verb verb)) {
                CommandLine group = chain.getLast();
                String known = String.join(", ", group.getSubcommands().keySet());
                throw new ParameterException(
                        group,
                        chain.size() == 1
                                ? "No verb is given; there are " + known + "."
                                : "\"" + group.getCommandName() + "\" needs to be told what: " + known + ".");
            }
            json = wantsJson(chain.getLast().getCommandSpec());
            run(verb, chain.getLast().getCommandName());
            return 0;
        } catch (ParameterException e) {
            return report(Failure.of(e, settings));
        } catch (Console.ReaderGoneException e) {
            return 0;
        } catch (Throwable e) {
            return report(Failure.of(e));
        }
    }

    /** Runs a verb, together with the other ranks where this process is one of several. */
    private void run(Verb verb, String name) {
        Optional<Launcher> launcher = Hosts.launcher();
        if (launcher.isEmpty()) {
            verb.run(surroundings);
            return;
        }
        launcher.get().<Boolean>run(surroundings.cancellation(), ranks -> {
            runRank(verb, name, launcher.get().name(), ranks);
            return true;
        });
    }

    /**
     * Does one rank's part of a verb.
     *
     * @throws LecternException whatever ends it: who started the ranks writes the sentence and ends them all
     */
    void runRank(Verb verb, String name, String launcher, Communicator ranks) {
        boolean isFirst = ranks.rank() == 0;
        if (!isFirst) {
            // What stops it has stopped the first too, which says so.
            reported.set(true);
        }
        try {
            runTogether(verb, name, launcher, ranks);
        } catch (Console.ReaderGoneException e) {
            throw new LecternException(
                    LecternException.Kind.CANCELLED, "Nobody reads standard output any more: all ranks stop.", e);
        } catch (Throwable e) {
            Failure failure = Failure.of(e);
            if (json && isFirst && reported.compareAndSet(false, true)) {
                printJson(failure);
            }
            noteTrace(failure);
            if (!isFirst) {
                LockSupport.parkNanos(FIRST_SPEAKS_NANOS);
            }
            throw new LecternException(failure.kind(), failure.message(), e);
        }
    }

    private void runTogether(Verb verb, String name, String launcher, Communicator ranks) {
        if (ranks.size() == 1) {
            verb.run(surroundings);
            return;
        }
        if (!(verb instanceof HostedVerb)) {
            throw new LecternException(
                    LecternException.Kind.BAD_OPTION,
                    "\"" + name + "\" runs in one process, and " + launcher + " started " + ranks.size()
                            + ": start it alone; \"ask\" and \"bench prefill\" are what several hosts do together.");
        }
        ranks.patience(PATIENCE);
        Surroundings own = surroundings.among(ranks);
        // Other ranks have nothing to say to the user but what is wrong with their machines.
        Console console = surroundings.console();
        WarningLines.to(
                own.isFirst() ? console::warn : sentence -> console.warn("rank " + ranks.rank() + ": " + sentence));
        verb.run(own);
    }

    private static boolean wantsJson(CommandSpec verb) {
        return Boolean.TRUE.equals(Optional.ofNullable(verb.findOption("--json"))
                .map(option -> option.<Object>getValue())
                .orElse(false));
    }

    private void sayInterrupted() {
        report(new Failure(LecternException.Kind.CANCELLED, "Stopped on request.", Optional.empty()));
    }

    private int report(Failure failure) {
        if (!reported.compareAndSet(false, true)) {
            return failure.exitCode();
        }
        Console console = surroundings.console();
        if (json) {
            printJson(failure);
        } else {
            console.note("lectern: " + failure.message());
        }
        noteTrace(failure);
        return failure.exitCode();
    }

    private void printJson(Failure failure) {
        Console console = surroundings.console();
        try {
            console.printLine(failure.json());
        } catch (Console.ReaderGoneException | LecternException e) {
            console.note("lectern: " + failure.message());
        }
    }

    private void noteTrace(Failure failure) {
        if (surroundings.variable("LECTERN_DEBUG").isPresent()) {
            StringWriter trace = new StringWriter();
            failure.cause().ifPresent(cause -> cause.printStackTrace(new PrintWriter(trace)));
            surroundings.console().note(trace.toString());
        }
    }

    /** Java gives bytes that are not UTF-8 as U+FFFD, which nobody types. */
    private static void refuseBrokenText(String[] args) {
        for (int i = 0; i < args.length; i++) {
            if (args[i].indexOf('\uFFFD') >= 0) {
                throw new LecternException(
                        LecternException.Kind.BAD_OPTION,
                        "Argument " + (i + 1) + " is not UTF-8 text (\"" + args[i]
                                + "\"): set a UTF-8 locale, rename the file, or give the text on standard input.");
            }
        }
    }

    /** All verbs, with their options. */
    CommandLine commandLine() {
        return commandLine(VERBS.keySet());
    }

    /** Enough to understand these arguments: the verb that is called, where that is clear. The options of one are read in some milliseconds. */
    private CommandLine commandLine(String[] args) {
        boolean clear = args.length > 0 && VERBS.containsKey(args[0]) && !args[0].equals(NEEDS_ALL);
        return commandLine(clear ? Set.of(args[0]) : VERBS.keySet());
    }

    private CommandLine commandLine(Set<String> verbs) {
        CommandLine line = new CommandLine(this);
        VERBS.forEach((name, verb) -> {
            if (verbs.contains(name)) {
                line.addSubcommand(verb.get());
            }
        });
        eachBelow(line, verb -> verb.addMixin("help", new HelpChoice()));
        line.addMixin("help", new HelpChoice());
        line.addSubcommand(new HelpCommand());
        Console console = surroundings.console();
        boolean coloured = console.colour() && console.terminals().out();
        return line.setExpandAtFiles(false)
                .setInterpolateVariables(false)
                .setUsageHelpWidth(100)
                .setColorScheme(CommandLine.Help.defaultColorScheme(coloured ? Ansi.ON : Ansi.OFF))
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    private static void eachBelow(CommandLine line, Consumer<CommandLine> action) {
        for (CommandLine verb : line.getSubcommands().values()) {
            action.accept(verb);
            eachBelow(verb, action);
        }
    }

    /** What {@code --version} prints. */
    static final class Version implements IVersionProvider {
        @Override
        public String[] getVersion() {
            String own = Lectern.class.getPackage().getImplementationVersion();
            return new String[] {
                "lectern " + (own == null ? "(not packaged)" : own) + " on Java " + Runtime.version() + ", vectors of "
                        + Kernels.vectorBits() + " bits"
            };
        }
    }
}
