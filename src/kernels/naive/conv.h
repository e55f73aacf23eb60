#pragma once
#include <cstdint>

namespace seqbench {

struct ConvShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t width = 0;
  std::int64_t taps = 0;
};

namespace naive {

// y_t = sum_r weight[r] x_{t-r}, channel by channel. history: [batch, taps - 1, width], the inputs before x,
// oldest first.
template <class T>
void conv(const ConvShape& s, const T* x, const T* weight, const T* history, T* y) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t t = 0; t < s.length; ++t) {
      for (std::int64_t c = 0; c < s.width; ++c) {
        double sum = 0;
        for (std::int64_t r = 0; r < s.taps; ++r) {
          const std::int64_t from = t - r;
          if (from < 0 && history == nullptr) continue;
          const T in = from >= 0 ? x[(b * s.length + from) * s.width + c]
                                 : history[(b * (s.taps - 1) + from + s.taps - 1) * s.width + c];
          sum += static_cast<double>(weight[r * s.width + c]) * static_cast<double>(in);
        }
        y[(b * s.length + t) * s.width + c] = static_cast<T>(sum);
      }
    }
  }
}

// Adds to dx and dweight; without history.
template <class T>
void conv_backward(const ConvShape& s, const T* x, const T* weight, const T* dy, T* dx, T* dweight) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t t = 0; t < s.length; ++t) {
      for (std::int64_t r = 0; r < s.taps && r <= t; ++r) {
        for (std::int64_t c = 0; c < s.width; ++c) {
          const T d = dy[(b * s.length + t) * s.width + c];
          dx[(b * s.length + t - r) * s.width + c] += d * weight[r * s.width + c];
          dweight[r * s.width + c] += d * x[(b * s.length + t - r) * s.width + c];
        }
      }
    }
  }
}

}  // namespace naive
}  // namespace seqbench
