#include "proof/worst.h"

#include <algorithm>
#include <limits>

namespace seqbench::proof {

void Worst::add(const std::string& what, double error, double bound) {
  const bool ok = error <= bound;
  const double ratio = bound > 0 ? error / bound : (ok ? 0 : std::numeric_limits<double>::infinity());
  if (ratio <= ratio_) return;
  ratio_ = ratio;
  worst_ = {worst_.ok && ok, error, bound, what};
}

void Worst::compare(const std::string& what, const Numbers& value, const Numbers& reference, double bound) {
  add(what, relative_error(value, reference), bound);
}

void Worst::same(const std::string& what, const Numbers& value, const Numbers& reference) {
  add(what, value == reference ? 0 : std::max(relative_error(value, reference), 1e-300), 0);
}

void Worst::require(const std::string& what, bool holds) {
  if (!holds) add(what, std::numeric_limits<double>::infinity(), 0);
}

}  // namespace seqbench::proof
