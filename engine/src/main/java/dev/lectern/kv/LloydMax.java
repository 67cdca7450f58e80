package dev.lectern.kv;

import dev.lectern.kernel.CodePlanes;

/**
 * The levels that give the least squared error for a normally distributed number of variance 1, and where to go from one to the next (Max, "Quantizing for minimum distortion", 1960; Lloyd, "Least
 * squares quantization in PCM", 1982). A code counts levels from the lowest, so that its first bit is the sign, and its first two the quarter.
 *
 * @param planes how codes stand in memory
 * @param levels {@code [2^bits]}, ascending, filled up to 16 with zeros
 * @param thresholds {@code [2^bits − 1]}: the middles between levels
 */
record LloydMax(CodePlanes planes, float[] levels, float[] thresholds) {
    /** The positive levels for 2 to 6 bits. */
    private static final double[][] HALVES = {
        {.452780, 1.510418},
        {.245094, .756005, 1.343909, 2.151946},
        {.128395, .388048, .656759, .942340, 1.256231, 1.618046, 2.069017, 2.732590},
        {
            .065890, .198052, .331378, .466700, .604934, .747136, .894565, 1.048783, 1.211804, 1.386340, 1.576228,
            1.787233, 2.028728, 2.317739, 2.691120, 3.260732
        },
        {
            .033410, .100278, .167297, .234567, .302193, .370283, .438950, .508314, .578503, .649656, .721922, .795468,
            .870477, .947155, 1.025736, 1.106488, 1.189720, 1.275794, 1.365141, 1.458276, 1.555831, 1.658589, 1.767542,
            1.883977, 2.009611, 2.146810, 2.298981, 2.471305, 2.672274, 2.917407, 3.240437, 3.744101
        }
    };

    /** For as many bits as codes in such planes have: 2 to 6. */
    static LloydMax of(CodePlanes planes) {
        double[] half = HALVES[planes.bits() - 2];
        int n = 2 * half.length;
        float[] levels = new float[Math.max(16, n)], thresholds = new float[n - 1];
        for (int i = 0; i < half.length; i++) {
            levels[half.length + i] = (float) half[i];
            levels[half.length - 1 - i] = (float) -half[i];
        }
        for (int i = 0; i < thresholds.length; i++) {
            thresholds[i] = (levels[i] + levels[i + 1]) / 2;
        }
        return new LloydMax(planes, levels, thresholds);
    }

    /** The code of the nearest level. */
    int code(float x) {
        int code = 0;
        for (int step = (thresholds.length + 1) / 2; step > 0; step /= 2) {
            code += x > thresholds[code + step - 1] ? step : 0;
        }
        return code;
    }
}
