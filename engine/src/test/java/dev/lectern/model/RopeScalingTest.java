package dev.lectern.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lectern.LecternException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RopeScalingTest {
    @Test
    void everyKindIsReadWithItsDefaults() {
        assertThat(RopeScaling.parse("none", 100)).isEqualTo(new RopeScaling.None());
        assertThat(RopeScaling.parse("linear:factor=4", 100)).isEqualTo(new RopeScaling.Linear(4));
        assertThat(RopeScaling.parse("dynamic:factor=2", 100)).isEqualTo(new RopeScaling.Dynamic(2, 100));
        assertThat(RopeScaling.parse("YARN:factor=4:original=50", 100))
                .isEqualTo(new RopeScaling.Yarn(4, 50, 32, 1, 0.1 * Math.log(4) + 1, true));
        assertThat(RopeScaling.parse("yarn:factor=1:beta-fast=16:beta-slow=2:attention-factor=1.5", 100))
                .isEqualTo(new RopeScaling.Yarn(1, 100, 16, 2, 1.5, true));
        assertThat(RopeScaling.parse("llama3:factor=8", 100)).isEqualTo(new RopeScaling.Llama3(8, 1, 4, 100));
        assertThat(RopeScaling.parse("llama3:factor=8:low=2:high=3:original=7", 100))
                .isEqualTo(new RopeScaling.Llama3(8, 2, 3, 7));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    ''                                | there are none, linear, dynamic, yarn, llama3
                    ntk:factor=2                      | there are none, linear, dynamic, yarn, llama3
                    linear                            | needs a factor, as in linear:factor=4
                    none:factor=2                     | "factor" is not one of its options
                    linear:factor=4:original=9        | "original" is not one of its options
                    linear:factor                     | "factor" needs a positive number
                    linear:factor=                    | "factor" needs a positive number
                    linear:factor=many                | "factor" needs a positive number
                    linear:factor=NaN                 | "factor" needs a positive number
                    linear:factor=-2                  | "factor" needs a positive number
                    linear:factor=0                   | "factor" needs a positive number
                    linear:factor=Infinity            | "factor" needs a positive number
                    linear:factor=0.5                 | below 1
                    linear:factor=2:factor=3          | twice
                    linear:factor=2:                  | "" is not one of its options
                    dynamic:factor=2:original=0.5     | whole number
                    yarn:factor=2:original=1e10       | whole number
                    yarn:factor=2:original=2.5        | whole number
                    yarn:factor=2:beta-fast=0         | "beta-fast" needs a positive number
                    llama3:factor=8:low=4:high=4      | less than "high"
                    llama3:factor=8:low=5             | less than "high"
                    """)
    void whatMakesNoSenseIsRefusedInASentence(String option, String words) {
        assertThatThrownBy(() -> RopeScaling.parse(option, 4096))
                .isInstanceOfSatisfying(
                        LecternException.class, e -> assertThat(e.kind()).isEqualTo(LecternException.Kind.BAD_OPTION))
                .hasMessageStartingWith("--rope-scaling " + option + ": ")
                .hasMessageContaining(words)
                .hasMessageEndingWith(".");
    }

    @Test
    void sequencesStretchByTheFactor() {
        assertThat(new RopeScaling.None().stretch()).isEqualTo(1);
        for (String kind : new String[] {"linear", "dynamic", "yarn", "llama3"}) {
            assertThat(RopeScaling.parse(kind + ":factor=2.5", 100).stretch()).isEqualTo(2.5);
        }
    }
}
