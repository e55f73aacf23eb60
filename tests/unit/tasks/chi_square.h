// Do counts follow a law?
#pragma once
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <numeric>
#include <vector>

namespace seqbench {

// Pearson's chi-square of counts against probabilities. Its mean is the number of cells - 1 and its standard
// deviation sqrt(2 (cells - 1)); streams are fixed, so that a bound of 5 deviations fails for a wrong law
// only.
inline double chi_square(const std::vector<std::int64_t>& counts, const std::vector<double>& probabilities) {
  const auto total = static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::int64_t{0}));
  double sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const double wanted = total * probabilities[i];
    sum += (static_cast<double>(counts[i]) - wanted) * (static_cast<double>(counts[i]) - wanted) / wanted;
  }
  return sum;
}

inline bool fits(const std::vector<std::int64_t>& counts, const std::vector<double>& probabilities) {
  const double freedom = static_cast<double>(counts.size()) - 1;
  const double found = chi_square(counts, probabilities);
  CAPTURE(found);
  return found > 0 && found < freedom + 5 * std::sqrt(2 * freedom);
}

}  // namespace seqbench
