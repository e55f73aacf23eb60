#pragma once
#include <cmath>
#include <cstdint>

#include "kernels/naive/activation.h"

namespace seqbench {

struct LstmShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t width = 0;
};

// One token of a batch. Rows of x and dx stand at strides (they are tokens of [batch, length, ..]); the rest
// is [batch, width] or, for gates, [batch, 4 width] in the order i, f, g, o.
template <class T>
struct LstmToken {
  const T* x;  // x W + b
  std::int64_t x_row;
  T* gates;
  const T* cell_before;
  T* cell;
};

template <class T>
struct LstmTokenGradient {
  const T* dh;  // of the output
  std::int64_t dh_row;
  const T* d_hidden;  // what later tokens add to it
  T* d_cell;          // of the cell after, turned into that of the cell before
  T* dx;              // added to
};

namespace naive {

// `gates` hold the hidden state times U, and become the gates.
template <class T>
void lstm_step(const LstmShape& s, const LstmToken<T>& token, T* hidden) {
  const std::int64_t width = s.width;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < width; ++c) {
      T* gates = token.gates + b * 4 * width + c;
      const T* x = token.x + b * token.x_row + c;
      const auto sum = [&](int gate) {
        return static_cast<double>(gates[gate * width]) + static_cast<double>(x[gate * width]);
      };
      const double i = sigmoid(sum(0)), f = sigmoid(sum(1)), g = std::tanh(sum(2)), o = sigmoid(sum(3));
      const double cell = f * static_cast<double>(token.cell_before[b * width + c]) + i * g;
      gates[0] = static_cast<T>(i);
      gates[width] = static_cast<T>(f);
      gates[2 * width] = static_cast<T>(g);
      gates[3 * width] = static_cast<T>(o);
      token.cell[b * width + c] = static_cast<T>(cell);
      hidden[b * width + c] = static_cast<T>(o * std::tanh(cell));
    }
  }
}

// The gates become the gradients of what they were functions of.
template <class T>
void lstm_step_backward(const LstmShape& s, const LstmToken<T>& token, const LstmTokenGradient<T>& gradient) {
  const std::int64_t width = s.width;
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t at = b * width + c;
      T* gates = token.gates + b * 4 * width + c;
      const auto i = static_cast<double>(gates[0]), f = static_cast<double>(gates[width]);
      const auto g = static_cast<double>(gates[2 * width]), o = static_cast<double>(gates[3 * width]);
      const double seen = std::tanh(static_cast<double>(token.cell[at]));
      const double dh = static_cast<double>(gradient.dh[b * gradient.dh_row + c]) +
                        static_cast<double>(gradient.d_hidden[at]);
      const double d_cell = static_cast<double>(gradient.d_cell[at]) + dh * o * (1 - seen * seen);
      gates[0] = static_cast<T>(d_cell * g * i * (1 - i));
      gates[width] = static_cast<T>(d_cell * static_cast<double>(token.cell_before[at]) * f * (1 - f));
      gates[2 * width] = static_cast<T>(d_cell * i * (1 - g * g));
      gates[3 * width] = static_cast<T>(dh * seen * o * (1 - o));
      gradient.d_cell[at] = static_cast<T>(d_cell * f);
      T* dx = gradient.dx + b * token.x_row + c;
      for (int gate = 0; gate < 4; ++gate) dx[gate * width] += gates[gate * width];
    }
  }
}

}  // namespace naive
}  // namespace seqbench
