#pragma once
#include <algorithm>
#include <cmath>

namespace seqbench::naive {

// log sigmoid(x), the log of a forget gate, without overflow on either side.
inline double log_forget(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); }
// Its slope: sigmoid(-x).
inline double log_forget_slope(double x) { return 1 / (1 + std::exp(x)); }

}  // namespace seqbench::naive
