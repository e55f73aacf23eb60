#include "experiment/statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace seqbench {
namespace {

// The 97.5% quantile of Student's t with `freedom` >= 1 degrees of freedom; beyond the table to within 0.002.
double t_quantile(std::size_t freedom) {
  constexpr std::array<double, 30> kTable = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306,
                                             2.262,  2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120,
                                             2.110,  2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064,
                                             2.060,  2.056, 2.052, 2.048, 2.045, 2.042};
  if (freedom <= kTable.size()) return kTable[freedom - 1];
  return 1.960 + 2.4 / static_cast<double>(freedom);
}

}  // namespace

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : 0.5 * (values[half - 1] + values[half]);
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

Interval student_interval(const std::vector<double>& values, Interval within) {
  const double middle = mean(values);
  double squares = 0;
  for (const double value : values) squares += (value - middle) * (value - middle);
  const auto n = static_cast<double>(values.size());
  const double half = t_quantile(values.size() - 1) * std::sqrt(squares / (n - 1) / n);
  return {std::max(within.low, middle - half), std::min(within.high, middle + half)};
}

}  // namespace seqbench
