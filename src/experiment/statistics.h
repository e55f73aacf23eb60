// Means over a few seeds, their intervals, and what tells two of them apart.
//
// `step`: values are known to so much; 1/n of a share counted over n examples, 0 of what is known exactly. A
// few such values may be equal by chance: their spread is never taken for less than that of rounding to
// steps, step / sqrt(12).
#pragma once
#include <vector>

#include "train/result.h"

namespace seqbench {

// Of at least one value; of an even number of them, the mean of the middle two.
double median(std::vector<double> values);

double mean(const std::vector<double>& values);

// Of the mean of at least two values.
double standard_error(const std::vector<double>& values, double step = 0);

// 95% interval of the mean of at least two values (Student's t), clipped to `within`.
Interval student_interval(const std::vector<double>& values, Interval within, double step = 0);

// How often Student's t with `freedom` >= 1 degrees of freedom is at least so far from 0, on either side.
// Abramowitz and Stegun 26.7.3 and 26.7.4, exact.
double student_p(double t, std::size_t freedom);

constexpr double kSmallP = 0.05;  // what is less is no chance

// How many values it takes for Student's interval of their mean, which leaves `outside` out, to reach at most
// `wanted` > 0 to either side, judged by the standard error of the mean of `count` >= 2 values. At most
// 10000.
std::size_t runs_for(double wanted, double standard_error, std::size_t count, double outside = kSmallP);

struct Comparison {
  double difference = 0;  // of the means, b - a
  Interval interval;      // 95%, of that
  double p = 1;           // two-sided
  double standard_error = 0;
};
// Of at least two pairs: the paired t test. One value per seed, in the same order.
Comparison compare_paired(const std::vector<double>& a, const std::vector<double>& b, double step = 0);
// Of at least two values each: Welch's test, its degrees of freedom rounded down.
Comparison compare_unpaired(const std::vector<double>& a, const std::vector<double>& b, double step = 0);

// Of three values or more in all, with one spread for both sides: Student's two-sample test.
Comparison compare_pooled(const std::vector<double>& a, const std::vector<double>& b);

// Whether of two that answered the same questions one is right more often, by those that only one got right:
// how often so uneven a split, or a more uneven one, comes of a fair coin (McNemar's test, exact, two-sided).
double mcnemar_p(std::size_t only_a, std::size_t only_b);

// Two-sided p values of several tests made at once, corrected so that it is rare for any of them to be small
// by chance (Holm 1979).
std::vector<double> holm(const std::vector<double>& p);

}  // namespace seqbench
