// The LSTM (Hochreiter & Schmidhuber 1997; with forget gates, Gers et al. 2000) in PyTorch's form: i, f, o =
// sigmoid, g = tanh of x W + b + h_{t-1} U; c_t = f c_{t-1} + i g; h_t = o tanh(c_t).
//
// The gates see h_{t-1}, so tokens follow one another: x W of all of them is one product before this kernel,
// h U is one a token, and the gradient of U one product after the reverse loop. oneDNN has an LSTM too; ours
// keeps the state and the weights where the rest of the program has them, without its reordered formats, and
// gives the gradient of the state before as of everything else.
#pragma once
#include <cstdint>

#include "kernels/naive/lstm.h"

namespace seqbench::kernels {

// What lstm() leaves for backward, by token: h and c before each token and after the last [length + 1, batch,
// width], and the gates [length, batch, 4 width].
template <class T>
struct LstmHistory {
  static std::int64_t size(const LstmShape& s) { return s.batch * s.width * (6 * s.length + 2); }
  LstmHistory(const LstmShape& s, T* memory)
      : hidden(memory),
        cells(hidden + (s.length + 1) * s.batch * s.width),
        gates(cells + (s.length + 1) * s.batch * s.width) {}
  T* hidden;
  T* cells;
  T* gates;
};

// x: x W + b, [batch, length, 4 width] in the order i, f, g, o. u: [width, 4 width]. state: [batch, 2 width],
// h and c before the first token, left as those after the last. h: [batch, length, width].
void lstm(const LstmShape& shape, const float* x, const float* u, float* state, float* h,
          const LstmHistory<float>& history);
void lstm(const LstmShape& shape, const double* x, const double* u, double* state, double* h,
          const LstmHistory<double>& history);

template <class T>
struct LstmGradients {
  const T* dh;
  const T* d_last;  // of the state after; null: zeros
  T* d_first;       // where that of the state before is added; null: not wanted
  T* dx;            // added to
  T* du;            // added to
};

// The gates in `history` become the gradients of what they were functions of.
void lstm_backward(const LstmShape& shape, const float* u, const LstmHistory<float>& history,
                   const LstmGradients<float>& gradients);
void lstm_backward(const LstmShape& shape, const double* u, const LstmHistory<double>& history,
                   const LstmGradients<double>& gradients);

}  // namespace seqbench::kernels
