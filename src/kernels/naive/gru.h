#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/naive/activation.h"

namespace seqbench {

struct GruShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t width = 0;
};

// One token of a batch. Rows of x and dx stand at strides (they are tokens of [batch, length, ..]); the rest
// is [batch, width] or, for gates, [batch, 3 width] in the order r, z, n.
template <class T>
struct GruToken {
  const T* x;  // x W + b
  std::int64_t x_row;
  const T* hidden_before;
  T* gates;
  T* inner;  // h U_n + b_hn
};

template <class T>
struct GruTokenGradient {
  const T* dh;  // of the output
  std::int64_t dh_row;
  T* d_hidden;  // of the state after, turned into that of the state before but for its way through U
  T* dx;        // added to
  T* d_bias;    // [width], added to
};

namespace naive {

// `gates` hold the hidden state times U, and become the gates. bias: b_hn.
template <class T>
void gru_step(const GruShape& s, const T* bias, const GruToken<T>& token, T* hidden) {
  const std::int64_t width = s.width;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < width; ++c) {
      T* gates = token.gates + b * 3 * width + c;
      const T* x = token.x + b * token.x_row + c;
      const double r = sigmoid(static_cast<double>(gates[0]) + static_cast<double>(x[0]));
      const double z = sigmoid(static_cast<double>(gates[width]) + static_cast<double>(x[width]));
      const double inner = static_cast<double>(gates[2 * width]) + static_cast<double>(bias[c]);
      const double n = std::tanh(static_cast<double>(x[2 * width]) + r * inner);
      const double before = static_cast<double>(token.hidden_before[b * width + c]);
      gates[0] = static_cast<T>(r);
      gates[width] = static_cast<T>(z);
      gates[2 * width] = static_cast<T>(n);
      token.inner[b * width + c] = static_cast<T>(inner);
      hidden[b * width + c] = static_cast<T>((1 - z) * n + z * before);
    }
  }
}

// The gates become the gradients of the hidden state times U.
template <class T>
void gru_step_backward(const GruShape& s, const GruToken<T>& token, const GruTokenGradient<T>& gradient) {
  const std::int64_t width = s.width;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t at = b * width + c;
      T* gates = token.gates + b * 3 * width + c;
      T* dx = gradient.dx + b * token.x_row + c;
      const auto r = static_cast<double>(gates[0]), z = static_cast<double>(gates[width]);
      const auto n = static_cast<double>(gates[2 * width]);
      const double dh = static_cast<double>(gradient.dh[b * gradient.dh_row + c]) +
                        static_cast<double>(gradient.d_hidden[at]);
      const double d_n = dh * (1 - z) * (1 - n * n);
      const double d_r = d_n * static_cast<double>(token.inner[at]) * r * (1 - r);
      const double d_z = dh * (static_cast<double>(token.hidden_before[at]) - n) * z * (1 - z);
      gates[0] = static_cast<T>(d_r);
      gates[width] = static_cast<T>(d_z);
      gates[2 * width] = static_cast<T>(d_n * r);
      dx[0] += static_cast<T>(d_r);
      dx[width] += static_cast<T>(d_z);
      dx[2 * width] += static_cast<T>(d_n);
      gradient.d_bias[c] += static_cast<T>(d_n * r);
      gradient.d_hidden[at] = static_cast<T>(dh * z);
    }
  }
}

}  // namespace naive
}  // namespace seqbench
