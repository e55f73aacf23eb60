// The GRU (Cho et al. 2014, arXiv 1406.1078) in PyTorch's form, whose reset gate acts after the product: r, z
// = sigmoid of x W + b + h_{t-1} U; n = tanh(x W_n + b_n + r (h_{t-1} U_n + b_hn)); h_t = (1 - z) n + z
// h_{t-1}.
//
// One product a token, for the reasons of kernels/lstm.h, and not oneDNN's, for the reasons given there.
#pragma once
#include <cstdint>

#include "kernels/naive/gru.h"

namespace seqbench::kernels {

// What gru() leaves for backward, by token: h before each token and after the last [length + 1, batch,
// width], the gates [length, batch, 3 width], and h U_n + b_hn [length, batch, width].
template <class T>
struct GruHistory {
  static std::int64_t size(const GruShape& s) { return s.batch * s.width * (5 * s.length + 1); }
  GruHistory(const GruShape& s, T* memory)
      : hidden(memory),
        gates(hidden + (s.length + 1) * s.batch * s.width),
        inner(gates + s.length * s.batch * 3 * s.width) {}
  T* hidden;
  T* gates;
  T* inner;
};

// x: x W + b, [batch, length, 3 width] in the order r, z, n. u: [width, 3 width]. bias: b_hn [width]. state:
// [batch, width], h before the first token, left as that after the last. h: [batch, length, width].
void gru(const GruShape& shape, const float* x, const float* u, const float* bias, float* state, float* h,
         const GruHistory<float>& history);
void gru(const GruShape& shape, const double* x, const double* u, const double* bias, double* state,
         double* h, const GruHistory<double>& history);

template <class T>
struct GruGradients {
  const T* dh;
  const T* d_last;  // of the state after; null: zeros
  T* d_first;       // where that of the state before is added; null: not wanted
  T* dx;            // added to, as du and d_bias
  T* du;
  T* d_bias;
};

// The gates in `history` become the gradients of the hidden state times U.
void gru_backward(const GruShape& shape, const float* u, const GruHistory<float>& history,
                  const GruGradients<float>& gradients);
void gru_backward(const GruShape& shape, const double* u, const GruHistory<double>& history,
                  const GruGradients<double>& gradients);

}  // namespace seqbench::kernels
