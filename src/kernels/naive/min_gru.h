#pragma once
#include <cstdint>

#include "kernels/naive/activation.h"

namespace seqbench {

struct MinGruShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t width = 0;
};

// The two ends of a scan for its backward, each [batch, width]: the state before the first token (null:
// zeros), the gradient of the state after the last (null: zeros), and where that of the state before is added
// (null: not wanted).
template <class T>
struct ScanEnds {
  const T* first = nullptr;
  const T* d_last = nullptr;
  T* d_first = nullptr;
};

namespace naive {

// The positive candidate of the log-space form: x + 0.5 for x >= 0, sigmoid(x) below.
inline double min_gru_g(double x) { return x >= 0 ? x + 0.5 : sigmoid(x); }
inline double min_gru_g_slope(double x) { return x >= 0 ? 1.0 : sigmoid(x) * (1.0 - sigmoid(x)); }

// gate, candidate, h: [batch, length, width]. state: [batch, width], h before the first token, left as h of
// the last.
template <class T>
void min_gru(const MinGruShape& s, const T* gate, const T* candidate, T* state, T* h) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t t = 0; t < s.length; ++t) {
      for (std::int64_t c = 0; c < s.width; ++c) {
        const std::int64_t at = (b * s.length + t) * s.width + c;
        const double z = sigmoid(static_cast<double>(gate[at]));
        const double before = static_cast<double>(state[b * s.width + c]);
        h[at] = static_cast<T>((1.0 - z) * before + z * min_gru_g(static_cast<double>(candidate[at])));
        state[b * s.width + c] = h[at];
      }
    }
  }
}

// Overwrites d_gate and d_candidate. With the reverse scan g_t = dh_t + (1 - z_{t+1}) g_{t+1}: d_gate = g (h~
// - h_{t-1}) z (1 - z), d_candidate = g z g'(candidate).
template <class T>
void min_gru_backward(const MinGruShape& s, const T* gate, const T* candidate, const T* h, const T* dh,
                      const ScanEnds<T>& ends, T* d_gate, T* d_candidate) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < s.width; ++c) {
      const std::int64_t end = b * s.width + c;
      double carried = ends.d_last == nullptr ? 0.0 : static_cast<double>(ends.d_last[end]);
      for (std::int64_t t = s.length - 1; t >= 0; --t) {
        const std::int64_t at = (b * s.length + t) * s.width + c;
        const double z = sigmoid(static_cast<double>(gate[at]));
        const double x = static_cast<double>(candidate[at]);
        const double before = t > 0                   ? static_cast<double>(h[at - s.width])
                              : ends.first == nullptr ? 0.0
                                                      : static_cast<double>(ends.first[end]);
        const double g = static_cast<double>(dh[at]) + carried;
        d_gate[at] = static_cast<T>(g * (min_gru_g(x) - before) * z * (1.0 - z));
        d_candidate[at] = static_cast<T>(g * z * min_gru_g_slope(x));
        carried = g * (1.0 - z);
      }
      if (ends.d_first != nullptr) ends.d_first[end] += static_cast<T>(carried);
    }
  }
}

}  // namespace naive
}  // namespace seqbench
