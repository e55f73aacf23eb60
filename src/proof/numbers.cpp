#include "proof/numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace seqbench::proof {

Numbers normal_numbers(std::int64_t count, std::uint64_t seed) {
  Random random(seed, "numbers of proofs");
  Numbers numbers(static_cast<std::size_t>(count));
  for (double& x : numbers) x = static_cast<double>(static_cast<float>(random.normal()));
  return numbers;
}

double rms(const Numbers& x) {
  double sum = 0;
  for (const double v : x) sum += v * v;
  return x.empty() ? 0 : std::sqrt(sum / static_cast<double>(x.size()));
}

double relative_error(const Numbers& value, const Numbers& reference) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  if (value.size() != reference.size() || !all_finite(value) || !all_finite(reference)) return kNever;
  double most = 0;
  for (std::size_t i = 0; i < value.size(); ++i) most = std::max(most, std::abs(value[i] - reference[i]));
  return most == 0 ? 0 : most / rms(reference);
}

bool all_finite(const Numbers& x) {
  return std::ranges::all_of(x, [](double v) { return std::isfinite(v); });
}

}  // namespace seqbench::proof
