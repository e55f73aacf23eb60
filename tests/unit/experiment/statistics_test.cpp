#include "experiment/statistics.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace seqbench {
namespace {

TEST_CASE("Student's interval, against tables") {
  // Mean 2, deviation 1, n = 3: 4.303 / sqrt(3) = 2.48414.
  const Interval three = student_interval({1, 2, 3}, {-100, 100});
  CHECK(three.low == doctest::Approx(2 - 2.48414).epsilon(1e-5));
  CHECK(three.high == doctest::Approx(2 + 2.48414).epsilon(1e-5));
  CHECK(student_interval({1, 2, 3}, {0, 3}).low == 0);
  CHECK(student_interval({1, 2, 3}, {0, 3}).high == 3);
  // n = 41: t(40) = 2.021; deviation of 20 zeros, 20 twos and a one is 1.
  std::vector<double> many(41, 0.0);
  std::fill(many.begin(), many.begin() + 20, 2.0);
  many[40] = 1;
  CHECK(student_interval(many, {-100, 100}).high ==
        doctest::Approx(1 + 2.021 / std::sqrt(41.0)).epsilon(1e-3));
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("Student's p, against tables") {
  CHECK(student_p(12.7062, 1) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(student_p(4.30265, 2) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(student_p(5.84091, 3) == doctest::Approx(0.01).epsilon(1e-4));
  CHECK(student_p(-2.13185, 4) == doctest::Approx(0.10).epsilon(1e-4));
  CHECK(student_p(2.57058, 5) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(student_p(3.16927, 10) == doctest::Approx(0.01).epsilon(1e-4));
  CHECK(student_p(1.96234, 1000) == doctest::Approx(0.05).epsilon(1e-4));
  CHECK(student_p(0, 7) == 1);
}

TEST_CASE("McNemar's exact test is twice the tail of a fair coin") {
  CHECK(mcnemar_p(0, 10) == doctest::Approx(2.0 / 1024));
  CHECK(mcnemar_p(5, 15) == doctest::Approx(2 * 21700.0 / (1 << 20)));  // sums of binomial coefficients
  CHECK(mcnemar_p(16, 6) == doctest::Approx(2 * 110056.0 / (1 << 22)));
  CHECK(mcnemar_p(7, 7) == 1);
  CHECK(mcnemar_p(0, 0) == 1);
  CHECK(mcnemar_p(0, 1) == 1);
  // Far from the exact sums a normal curve takes over: z = 1000 / sqrt(101000) = 3.1466, p = 0.00165.
  CHECK(mcnemar_p(50000, 51000) == doctest::Approx(0.00165).epsilon(0.01));
}

TEST_CASE("how many runs an interval takes goes by Student's t, which is wide for few") {
  CHECK(runs_for(1, 1, 4) == 18);  // t(17) 2 / sqrt(18) = 0.995, t(16) 2 / sqrt(17) = 1.028
  CHECK(runs_for(100, 1, 4) == 2);
  CHECK(runs_for(1e-6, 1, 4) == 10000);
  CHECK(runs_for(1, 0, 4) == 2);
  CHECK(runs_for(1, 1, 4, 0.01) == 31);  // t(30) 2 / sqrt(31) = 0.988, t(29) 2 / sqrt(30) = 1.006
}

TEST_CASE("pairs are compared by their differences, others by their means") {
  // Differences 1, 2, 3: mean 2, standard error 1/sqrt(3).
  const Comparison paired = compare_paired({10, 20, 30}, {11, 22, 33});
  CHECK(paired.difference == doctest::Approx(2));
  CHECK(paired.interval.low == doctest::Approx(2 - 2.48414).epsilon(1e-5));
  CHECK(paired.p == doctest::Approx(student_p(2 * std::sqrt(3.0), 2)));
  CHECK(compare_unpaired({10, 20, 30}, {11, 22, 33}).p > 0.8);
  // Welch's example: variances 1 and 4 over 3 and 5: t = 4 / sqrt(1/3 + 4/5), freedom 5.9 -> 5.
  const Comparison welch =
      compare_unpaired({0, 1, 2}, {5 - 2 * std::sqrt(2.0), 5, 5, 5, 5 + 2 * std::sqrt(2.0)});
  CHECK(welch.difference == doctest::Approx(4));
  CHECK(welch.standard_error == doctest::Approx(std::sqrt(1.0 / 3 + 4.0 / 5)));
  CHECK(welch.p == doctest::Approx(student_p(4 / std::sqrt(1.0 / 3 + 4.0 / 5), 5)));
  // What is known exactly and does not vary is certain.
  CHECK(compare_paired({1, 1}, {1, 1}).p == 1);
  CHECK(compare_paired({1, 1}, {2, 2}).p == 0);
}

TEST_CASE("values counted in steps that happen to be equal are not certain") {
  constexpr double kStep = 1.0 / 64;
  const std::vector<double> low = {5 * kStep, 3 * kStep}, high = {8 * kStep, 6 * kStep};
  // Three steps over rounding by sqrt(2/12) each, with one degree of freedom.
  CHECK(compare_paired(low, high, kStep).p == doctest::Approx(student_p(3 * std::sqrt(12.0), 1)));
  CHECK(compare_paired(low, high, kStep).p > 0.05);
  CHECK(compare_unpaired({0.5, 0.5}, {0.6, 0.6}, 0.1).standard_error ==
        doctest::Approx(std::sqrt(2 * 0.01 / 12 / 2)));
  const Interval equal = student_interval({0.5, 0.5}, {0, 1}, 0.01);
  CHECK(equal.high == doctest::Approx(0.5 + 12.7062 * 0.01 / std::sqrt(24.0)).epsilon(1e-4));
  // What varies by more than steps is not touched.
  CHECK(standard_error({1, 2, 3}, 0.1) == standard_error({1, 2, 3}));
}

TEST_CASE("Holm's correction") {
  const std::vector<double> adjusted = holm({0.01, 0.04, 0.03, 0.005});
  CHECK(adjusted[3] == doctest::Approx(0.02));
  CHECK(adjusted[0] == doctest::Approx(0.03));
  CHECK(adjusted[2] == doctest::Approx(0.06));
  CHECK(adjusted[1] == doctest::Approx(0.06));
  CHECK(holm({0.9, 0.8})[0] == 1);
}

TEST_CASE("the pooled t test: the textbook's figures") {
  // Means 2 and 5, squares about them 2 and 2, so a variance of 1 and an error of sqrt(2/3).
  const Comparison c = compare_pooled({1, 2, 3}, {4, 5, 6});
  CHECK(c.difference == 3);
  CHECK(c.standard_error == doctest::Approx(0.816497));
  CHECK(c.p == doctest::Approx(0.0213117));  // t = 3.6742, 4 degrees of freedom
  CHECK(c.interval.low == doctest::Approx(3 - 2.776445 * 0.816497));
}

}  // namespace
}  // namespace seqbench
