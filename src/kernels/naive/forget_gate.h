#pragma once
#include "kernels/naive/activation.h"

namespace seqbench::naive {

// log sigmoid(x), the log of a forget gate, without overflow on either side.
inline double log_forget(double x) { return -softplus(-x); }
inline double log_forget_slope(double x) { return sigmoid(-x); }

}  // namespace seqbench::naive
