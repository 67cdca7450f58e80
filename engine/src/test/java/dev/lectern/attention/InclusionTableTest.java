package dev.lectern.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.math.BigDecimal;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** How probable it is that a key is sampled. */
class InclusionTableTest {
    /** For cosines from −0.3 to 0.7, from the closed form for two hits, computed apart; to the digits that are written. */
    @ParameterizedTest
    @CsvSource({
        "8, 75, 1.30e-3 4.43e-3 .0132 .0351 .0838 .180 .342 .565 .796 .947 .996",
        "9, 120, 5.49e-4 2.20e-3 7.64e-3 .0234 .0637 .153 .322 .569 .822 .967 .999",
        "10, 150, 1.41e-4 6.69e-4 2.71e-3 9.68e-3 .0307 .0867 .214 .443 .736 .943 .998",
        "10, 220, 3.03e-4 1.43e-3 5.72e-3 .0200 .0610 .162 .361 .647 .896 .991 1.00",
        "10, 300, 5.60e-4 2.62e-3 .0104 .0353 .104 .256 .515 .803 .967 .999 1.00",
        "11, 300, 9.22e-5 5.12e-4 2.39e-3 9.71e-3 .0345 .106 .275 .565 .862 .988 1.00"
    })
    void twoHitsHaveTheKnownProbability(int bits, int tables, String expected) {
        String[] numbers = expected.split(" ", -1);
        for (int i = 0; i < numbers.length; i++) {
            BigDecimal number = new BigDecimal(numbers[i]);
            double half = number.ulp().doubleValue() / 2;
            assertThat(InclusionTable.probability(-0.3 + 0.1 * i, bits, tables, 2))
                    .isCloseTo(number.doubleValue(), within(half * 1.001));
        }
    }

    /** One hit has a closed form that is exact for small probabilities too; of three, the rest of the binomial distribution is subtracted. */
    @Test
    void otherNumbersOfHitsFollowTheBinomialDistribution() {
        for (double cosine = -1; cosine <= 1; cosine += 1.0 / 64) {
            double x = Math.pow(1 - Math.acos(cosine) / Math.PI, 10), miss = 1 - x;
            double one = x == 1 ? 1 : -Math.expm1(150 * Math.log1p(-x));
            assertThat(InclusionTable.probability(cosine, 10, 150, 1)).isCloseTo(one, within(1e-12 * one));
            double three = 1
                    - Math.pow(miss, 150)
                    - 150 * x * Math.pow(miss, 149)
                    - 150 * 149 / 2.0 * x * x * Math.pow(miss, 148);
            assertThat(InclusionTable.probability(cosine, 10, 150, 3)).isCloseTo(three, within(1e-13));
        }
        assertThat(InclusionTable.probability(1, 16, 8, 8)).isEqualTo(1);
        assertThat(InclusionTable.probability(-1, 16, 8, 8)).isZero();
    }

    /** A line between 4097 points is off by h²/8 of the second derivative. */
    @ParameterizedTest
    @CsvSource({"8, 75, 2", "9, 120, 2", "10, 150, 2", "10, 220, 2", "11, 300, 2", "12, 80, 1", "10, 150, 3"})
    void theTableIsAsGoodAsTheFormula(int bits, int tables, int hits) {
        InclusionTable table = new InclusionTable(bits, tables, hits, 1e-4);
        Random random = new Random(bits);
        for (int i = 0; i < 100_000; i++) {
            float cosine = 2 * random.nextFloat() - 1;
            double expected = -Math.log(InclusionTable.probability(cosine, bits, tables, hits) + 1e-4);
            assertThat(table.logWeight(cosine) * Math.log(2)).isCloseTo(expected, within(1e-5));
        }
    }

    @Test
    void cosinesThatRoundingPutBeyondOneAreBounded() {
        InclusionTable table = new InclusionTable(10, 150, 2, 1e-4);
        assertThat(table.logWeight(1.0001f)).isEqualTo(table.logWeight(1));
        assertThat(table.logWeight(-1.0001f)).isEqualTo(table.logWeight(-1));
        assertThat(table.logWeight(1)).isCloseTo(0, within(2e-4f));
        assertThat(table.logWeight(-1)).isCloseTo((float) (Math.log(1e4) / Math.log(2)), within(1e-5f));
    }
}
