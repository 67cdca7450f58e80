package dev.lectern.mpi;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.lectern.LecternException;
import dev.lectern.LecternException.Kind;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** An MPI library of the system, loaded for good, since none can be unloaded; and the few of its functions that are needed. One thread at a time. */
final class MpiLibrary {
    /** The environment variable that names a library, or says that this process is alone. */
    static final String VARIABLE = "LECTERN_MPI";

    static final String REMEDY = "Install one (Debian, Ubuntu: apt install openmpi-bin), or set " + VARIABLE
            + " to the file of the library that belongs to the launcher";

    // Names with a version: the plain libmpi.so is there for compilers, and may be anybody's. With folders where the
    // linker does not look.
    private static final List<String> OPEN_MPI = List.of(
            "libmpi.so.40",
            "/usr/lib64/openmpi/lib/libmpi.so.40",
            "/opt/homebrew/lib/libmpi.40.dylib",
            "/usr/local/lib/libmpi.40.dylib");
    private static final List<String> MPICH = List.of(
            "libmpich.so.12", "libmpi.so.12", "/usr/lib64/mpich/lib/libmpi.so.12", "/opt/homebrew/lib/libmpi.12.dylib");
    private static final List<String> STANDARD = List.of("libmpi_abi.so.1");

    private static final Linker LINKER = Linker.nativeLinker();

    /** More than any library writes: MPI_Status has 20 to 32 bytes, error texts end at 1024. */
    private static final int STATUS_BYTES = 64;

    private static final int TEXT_BYTES = 8192;

    private final String file;
    private final SymbolLookup symbols;
    private final MpiAbi abi;

    private final MethodHandle init;
    private final MethodHandle finish;
    private final MethodHandle abort;
    private final MethodHandle setErrorHandler;
    private final MethodHandle commRank;
    private final MethodHandle commSize;
    private final MethodHandle isend;
    private final MethodHandle irecv;
    private final MethodHandle test;
    private final MethodHandle getCount;
    private final MethodHandle errorString;
    private final MethodHandle errorClass;
    private final MethodHandle version;

    private final MemorySegment status = Arena.global().allocate(STATUS_BYTES, 8);
    private final MemorySegment number = Arena.global().allocate(JAVA_INT);

    private MpiLibrary(String file, SymbolLookup symbols) {
        this.file = file;
        this.symbols = symbols;
        abi = MpiAbi.of(symbols, standardMajor(symbols));
        init = function("MPI_Init_thread", "ppip");
        finish = function("MPI_Finalize", "");
        abort = function("MPI_Abort", "hi");
        setErrorHandler = function("MPI_Comm_set_errhandler", "hh");
        commRank = function("MPI_Comm_rank", "hp");
        commSize = function("MPI_Comm_size", "hp");
        isend = function("MPI_Isend", "pihiihp");
        irecv = function("MPI_Irecv", "pihiihp");
        test = function("MPI_Test", "ppp");
        getCount = function("MPI_Get_count", "php");
        errorString = function("MPI_Error_string", "ipp");
        errorClass = function("MPI_Error_class", "ip");
        version = function("MPI_Get_library_version", "pp");
    }

    /**
     * Loads the library that the environment names, or the first that is there, the launcher's kind before others.
     *
     * @throws LecternException of kind {@code NOT_FOUND} if there is none
     */
    static MpiLibrary load(Map<String, String> environment) {
        // UCX, on which MPICH and many builds of Open MPI stand, would take the signal by which the JVM finds null
        // pointers. It reads this
        // when it is loaded; Java's own copy of the environment does not reach it.
        setUnlessSet("UCX_ERROR_SIGNALS", "");
        List<String> tried = new ArrayList<>();
        for (String candidate : candidates(environment)) {
            try {
                // Arena.global(): MPI does not survive to be unloaded.
                SymbolLookup symbols = candidate.contains("/")
                        ? SymbolLookup.libraryLookup(Path.of(candidate), Arena.global())
                        : SymbolLookup.libraryLookup(candidate, Arena.global());
                if (symbols.find("MPI_Init_thread").isPresent()) {
                    return new MpiLibrary(candidate, symbols);
                }
                tried.add(candidate + " (is no MPI library)");
            } catch (IllegalArgumentException notThere) {
                tried.add(candidate);
            }
        }
        throw new LecternException(
                Kind.NOT_FOUND,
                "No MPI library can be loaded; tried " + String.join(", ", tried) + ". " + REMEDY + ".");
    }

    static List<String> candidates(Map<String, String> environment) {
        String named = environment.get(VARIABLE);
        if (named != null && !named.isBlank()) {
            return List.of(named);
        }
        List<String> names = new ArrayList<>();
        boolean hydra = environment.containsKey("PMI_FD") || environment.containsKey("HYDI_CONTROL_FD");
        names.addAll(hydra ? MPICH : OPEN_MPI);
        names.addAll(hydra ? OPEN_MPI : MPICH);
        names.addAll(STANDARD);
        return names;
    }

    private static void setUnlessSet(String name, String value) {
        MethodHandle setenv = LINKER.downcallHandle(
                LINKER.defaultLookup().findOrThrow("setenv"),
                FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, JAVA_INT));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment key = arena.allocateFrom(name);
            MemorySegment text = arena.allocateFrom(value);
            check("setenv", call(() -> (int) setenv.invokeExact(key, text, 0)));
        }
    }

    private static void check(String function, int error) {
        if (error != 0) {
            throw new LecternException(Kind.INTERNAL, function + " failed with " + error);
        }
    }

    private static int standardMajor(SymbolLookup symbols) {
        Optional<MemorySegment> function = symbols.find("MPI_Abi_get_version");
        if (function.isEmpty()) {
            return -1;
        }
        MethodHandle handle = LINKER.downcallHandle(function.get(), FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment major = arena.allocate(JAVA_INT);
            MemorySegment minor = arena.allocate(JAVA_INT);
            return call(() -> (int) handle.invokeExact(major, minor)) == 0 ? major.get(JAVA_INT, 0) : -1;
        }
    }

    /**
     * A function that returns an int.
     *
     * @param parameters a letter for each: h for a handle (a long here), p for a pointer, i for an int
     */
    private MethodHandle function(String name, String parameters) {
        MemoryLayout[] layouts = new MemoryLayout[parameters.length()];
        for (int i = 0; i < layouts.length; i++) {
            layouts[i] = switch (parameters.charAt(i)) {
                case 'h' -> abi.pointerHandles() ? JAVA_LONG : JAVA_INT;
                case 'p' -> ADDRESS;
                default -> JAVA_INT;
            };
        }
        MemorySegment address = symbols.find(name)
                .orElseThrow(
                        () -> new LecternException(Kind.NOT_FOUND, file + " has no " + name + ". " + REMEDY + "."));
        // Never as a critical function: the garbage collector would wait until the call returns.
        MethodHandle handle = LINKER.downcallHandle(address, FunctionDescriptor.of(JAVA_INT, layouts));
        MethodType type = handle.type();
        for (int i = 0; i < layouts.length; i++) {
            if (parameters.charAt(i) == 'h') {
                type = type.changeParameterType(i, long.class);
            }
        }
        return MethodHandles.explicitCastArguments(handle, type);
    }

    /** Begins MPI, with calls from one thread at a time. */
    void begin() {
        check("MPI_Init_thread", () ->
                (int) init.invokeExact(MemorySegment.NULL, MemorySegment.NULL, abi.threadSerialized(), number));
        if (number.get(JAVA_INT, 0) < abi.threadSerialized()) {
            throw new LecternException(
                    Kind.BAD_OPTION, file + " does not let several threads call it one at a time. " + REMEDY + ".");
        }
        // By default an error ends the process without a word from here.
        check("MPI_Comm_set_errhandler", () -> (int) setErrorHandler.invokeExact(abi.commWorld(), abi.errorsReturn()));
    }

    int rank() {
        check("MPI_Comm_rank", () -> (int) commRank.invokeExact(abi.commWorld(), number));
        return number.get(JAVA_INT, 0);
    }

    int size() {
        check("MPI_Comm_size", () -> (int) commSize.invokeExact(abi.commWorld(), number));
        return number.get(JAVA_INT, 0);
    }

    /** @param request where the library keeps its handle of the message; 8 bytes */
    void isend(MemorySegment data, int to, int tag, MemorySegment request) {
        int count = Math.toIntExact(data.byteSize());
        check("MPI_Isend", () -> (int) isend.invokeExact(data, count, abi.bytes(), to, tag, abi.commWorld(), request));
    }

    /** @param request where the library keeps its handle of the message; 8 bytes */
    void irecv(MemorySegment into, int from, int tag, MemorySegment request) {
        int count = Math.toIntExact(into.byteSize());
        check("MPI_Irecv", () ->
                (int) irecv.invokeExact(into, count, abi.bytes(), from, tag, abi.commWorld(), request));
    }

    /** Lets messages go on, and says whether this one is through. */
    boolean test(MemorySegment request) {
        check("MPI_Test", () -> (int) test.invokeExact(request, number, status));
        return number.get(JAVA_INT, 0) != 0;
    }

    /** How many bytes came with the message that was through in the last {@link #test}. */
    long received() {
        check("MPI_Get_count", () -> (int) getCount.invokeExact(status, abi.bytes(), number));
        return number.get(JAVA_INT, 0);
    }

    /** Ends all processes of the job, mostly without returning. */
    void abort(int exitCode) {
        check("MPI_Abort", () -> (int) abort.invokeExact(abi.commWorld(), exitCode));
    }

    /** Ends MPI; by the thread that began it. */
    void finish() {
        check("MPI_Finalize", () -> (int) finish.invokeExact());
    }

    /** The file, and what the library says of itself. */
    String describe() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(TEXT_BYTES);
            check("MPI_Get_library_version", () -> (int) version.invokeExact(text, number));
            return file + " ("
                    + text.getString(0).lines().findFirst().orElse(abi.name()).strip() + ")";
        }
    }

    private void check(String function, Call call) {
        int error = call(call);
        if (error != 0) {
            throw failure(function, error);
        }
    }

    private LecternException failure(String function, int error) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment text = arena.allocate(TEXT_BYTES);
            boolean told = call(() -> (int) errorString.invokeExact(error, text, number)) == 0;
            String words = function + ": " + (told ? text.getString(0).strip() : "error " + error);
            if (call(() -> (int) errorClass.invokeExact(error, number)) == 0
                    && number.get(JAVA_INT, 0) == abi.truncated()) {
                return new TooLongException(words);
            }
            return new LecternException(Kind.LOST_HOST, words);
        }
    }

    /** A message is longer than its receive. */
    static final class TooLongException extends LecternException {
        private static final long serialVersionUID = 1L;

        TooLongException(String message) {
            super(Kind.INTERNAL, message);
        }
    }

    /** A call of a function of the library. */
    @FunctionalInterface
    private interface Call {
        int run() throws Throwable;
    }

    private static int call(Call call) {
        try {
            return call.run();
        } catch (RuntimeException | Error thrown) {
            throw thrown;
        } catch (Throwable impossible) {
            throw new AssertionError("functions in C throw nothing", impossible);
        }
    }
}
