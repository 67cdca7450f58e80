package dev.lectern.kernel;

import java.lang.System.Logger.Level;
import java.util.Optional;

/** The one place that knows which kernels this machine can run. */
public final class Kernels {
    /** The system property that chooses the kernels by name, {@code scalar} or {@code vector}, instead of the best ones. */
    public static final String PROPERTY = "lectern.matmul";

    private static final System.Logger LOG = System.getLogger("dev.lectern.kernel");

    /** Instead of a number of bits: there are vectors, but none that multiply and add in one. */
    private static final int UNUSABLE = -1;

    private static final int VECTOR_BITS = findVectorBits();
    private static final boolean VECTOR = choose();

    private Kernels() {}

    /** A matrix product of our own, with buffers of its own: one for each that works at the same time. */
    public static MatMul matMul() {
        return VECTOR ? VectorProvider.matMul() : new ScalarMatMul();
    }

    /** The kernels between the products; they hold nothing, any number of threads may share them. */
    public static Elementwise elementwise() {
        return VECTOR ? VectorProvider.elementwise() : new ScalarElementwise();
    }

    /** The inner loops of attention; they hold nothing, any number of threads may share them. */
    public static AttentionTiles attentionTiles() {
        return VECTOR ? VectorProvider.attentionTiles() : new ScalarAttentionTiles();
    }

    /** The kernels of stored codes; they hold nothing, any number of threads may share them. */
    public static CodeTiles codeTiles() {
        return VECTOR ? VectorProvider.codeTiles() : new ScalarCodeTiles();
    }

    /** The kernel of keys of a bit or two; it holds nothing, any number of threads may share it. */
    public static BitPlanes bitPlanes() {
        return VECTOR ? VectorProvider.bitPlanes() : new ScalarBitPlanes();
    }

    /** The kernels of weights that are drawn from; they hold nothing, any number of threads may share them. */
    public static Proportions proportions() {
        return VECTOR ? VectorProvider.proportions() : new ScalarProportions();
    }

    /** The rotation of queries and keys; it holds nothing, any number of threads may share it. */
    public static Rotation rotation() {
        return VECTOR ? VectorProvider.rotation() : new ScalarRotation();
    }

    /** What {@link Peak} times. */
    static PeakLoops peakLoops() {
        return VECTOR ? VectorProvider.peakLoops() : new PeakLoops.Scalar();
    }

    /** Bits of the vectors that the vector kernels use on this machine; 0 if there are none. */
    public static int vectorBits() {
        return Math.max(0, VECTOR_BITS);
    }

    /** Bits of the vectors that are computed with: sums come out otherwise at each width, if by little. 0 where the scalar kernels compute. */
    public static int bitsInUse() {
        return VECTOR ? VECTOR_BITS : 0;
    }

    private static int findVectorBits() {
        if (ModuleLayer.boot().findModule("jdk.incubator.vector").isEmpty()) {
            return 0;
        }
        try {
            int bits = VectorProvider.bits();
            // Wider vectors are never without; so nobody who has them waits for this to be looked up.
            return bits >= 256 || Fused.isHere() ? bits : UNUSABLE;
        } catch (LinkageError e) {
            return 0;
        }
    }

    private static boolean choose() {
        String wanted = System.getProperty(PROPERTY, "");
        switch (wanted) {
            case "scalar":
                return false;
            case "", "vector":
                break;
            default:
                LOG.log(Level.WARNING, "-D{0}={1} is neither scalar nor vector: it is ignored.", PROPERTY, wanted);
        }
        hindrance().ifPresent(sentence -> LOG.log(Level.WARNING, sentence));
        return VECTOR_BITS >= 128;
    }

    /** Why this machine computes without vectors, and what helps; empty where it could compute with them. */
    public static Optional<String> hindrance() {
        return switch (VECTOR_BITS) {
            case 0 ->
                Optional.of(
                        "The Vector API is missing, so Lectern computes many times slower than it could: start Java with"
                                + " --add-modules jdk.incubator.vector.");
            case UNUSABLE ->
                Optional.of(
                        "This processor (or the virtual machine that hides it) has no FMA, so Lectern computes without"
                                + " vectors, many times slower than it could: choose a host CPU model that passes AVX2 and FMA on, and"
                                + " leave -XX:UseAVX out of LECTERN_JAVA_OPTS.");
            default ->
                VECTOR_BITS >= 128
                        ? Optional.empty()
                        : Optional.of(
                                "Java found no vectors of 128 bits and more, so Lectern computes many times slower than it"
                                        + " could: run a server JVM (HotSpot with its C2 compiler) on a CPU with AVX2 or NEON.");
        };
    }

    /** Keeps the names of Vector API classes out of {@link Kernels}, which has to load without them. */
    private static final class VectorProvider {
        static MatMul matMul() {
            return new VectorMatMul();
        }

        static Elementwise elementwise() {
            return new VectorElementwise();
        }

        static AttentionTiles attentionTiles() {
            return new VectorAttentionTiles();
        }

        static CodeTiles codeTiles() {
            return new VectorCodeTiles();
        }

        static BitPlanes bitPlanes() {
            return new VectorBitPlanes();
        }

        static Proportions proportions() {
            return new VectorProportions();
        }

        static Rotation rotation() {
            return new VectorRotation();
        }

        static PeakLoops peakLoops() {
            return new VectorPeak();
        }

        static int bits() {
            return Lanes.L * Float.SIZE;
        }
    }
}
