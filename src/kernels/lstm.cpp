#include "kernels/lstm.h"

#include <algorithm>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/lstm.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/gates-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

template <class Lanes>
HWY_INLINE void step_channels(std::int64_t b, std::int64_t c, std::int64_t width, const Lanes& part,
                              const LstmToken<float>& token, float* hidden) {
  const std::int64_t at = b * width + c;
  float* gates = token.gates + b * 4 * width + c;
  const float* x = token.x + b * token.x_row + c;
  const auto sum = [&](int gate) HWY_ATTR {
    return hn::Add(part.load(gates + gate * width), part.load(x + gate * width));
  };
  const FloatVec i = gate_sigmoid(sum(0));
  const FloatVec f = gate_sigmoid(sum(1));
  const FloatVec g = gate_tanh(sum(2));
  const FloatVec o = gate_sigmoid(sum(3));
  const FloatVec cell = hn::MulAdd(f, part.load(token.cell_before + at), hn::Mul(i, g));
  part.store(i, gates);
  part.store(f, gates + width);
  part.store(g, gates + 2 * width);
  part.store(o, gates + 3 * width);
  part.store(cell, token.cell + at);
  part.store(hn::Mul(o, gate_tanh(cell)), hidden + at);
}

template <class Lanes>
HWY_INLINE void backward_channels(std::int64_t b, std::int64_t c, std::int64_t width, const Lanes& part,
                                  const LstmToken<float>& token, const LstmTokenGradient<float>& gradient) {
  const std::int64_t at = b * width + c;
  float* gates = token.gates + b * 4 * width + c;
  float* dx = gradient.dx + b * token.x_row + c;
  const auto put = [&](int gate, FloatVec d) HWY_ATTR {
    part.store(d, gates + gate * width);
    part.store(hn::Add(d, part.load(dx + gate * width)), dx + gate * width);
  };
  const FloatVec i = part.load(gates);
  const FloatVec f = part.load(gates + width);
  const FloatVec g = part.load(gates + 2 * width);
  const FloatVec o = part.load(gates + 3 * width);
  const FloatVec seen = gate_tanh(part.load(token.cell + at));
  const FloatVec dh =
      hn::Add(part.load(gradient.dh + b * gradient.dh_row + c), part.load(gradient.d_hidden + at));
  const FloatVec d_cell = hn::MulAdd(hn::Mul(dh, o), tanh_slope(seen), part.load(gradient.d_cell + at));
  put(0, hn::Mul(hn::Mul(d_cell, g), sigmoid_slope(i)));
  put(1, hn::Mul(hn::Mul(d_cell, part.load(token.cell_before + at)), sigmoid_slope(f)));
  put(2, hn::Mul(hn::Mul(d_cell, i), tanh_slope(g)));
  put(3, hn::Mul(hn::Mul(dh, seen), sigmoid_slope(o)));
  part.store(hn::Mul(d_cell, f), gradient.d_cell + at);
}

void Step(const LstmShape& s, const LstmToken<float>& token, float* hidden) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part)
                             HWY_ATTR { step_channels(b, c, s.width, part, token, hidden); });
  }
}

void StepBackward(const LstmShape& s, const LstmToken<float>& token,
                  const LstmTokenGradient<float>& gradient) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part)
                             HWY_ATTR { backward_channels(b, c, s.width, part, token, gradient); });
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Step);
HWY_EXPORT(StepBackward);

void step(const LstmShape& s, const LstmToken<float>& token, float* hidden) {
  HWY_DYNAMIC_DISPATCH(Step)(s, token, hidden);
}
void step(const LstmShape& s, const LstmToken<double>& token, double* hidden) {
  naive::lstm_step(s, token, hidden);
}
void step_backward(const LstmShape& s, const LstmToken<float>& token,
                   const LstmTokenGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(StepBackward)(s, token, gradient);
}
void step_backward(const LstmShape& s, const LstmToken<double>& token,
                   const LstmTokenGradient<double>& gradient) {
  naive::lstm_step_backward(s, token, gradient);
}

template <class T>
LstmToken<T> token_at(const LstmShape& s, std::int64_t t, const T* x, const LstmHistory<T>& history) {
  const std::int64_t row = s.batch * s.width;
  return {x, s.length * 4 * s.width, history.gates + t * 4 * row, history.cells + t * row,
          history.cells + (t + 1) * row};
}

// f(row of h or c, where it stands in the state) for the rows of both [batch, width] in a state [batch, 2
// width].
template <class T, class F>
void for_halves(const LstmShape& s, T* hidden, T* cell, const F& f) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    f(hidden + b * s.width, 2 * b * s.width);
    f(cell + b * s.width, (2 * b + 1) * s.width);
  }
}

template <class T>
void run(const LstmShape& s, const T* x, const T* u, T* state, T* h, const LstmHistory<T>& history) {
  const std::int64_t row = s.batch * s.width;
  const Matmul product{.m = s.batch, .n = 4 * s.width, .k = s.width};
  for_halves(s, history.hidden, history.cells,
             [&](T* half, std::int64_t at) { std::copy_n(state + at, s.width, half); });
  for (std::int64_t t = 0; t < s.length; ++t) {
    const LstmToken<T> token = token_at(s, t, x + t * 4 * s.width, history);
    T* hidden = history.hidden + (t + 1) * row;
    matmul(product, hidden - row, u, token.gates);
    step(s, token, hidden);
    for (std::int64_t b = 0; b < s.batch; ++b)
      std::copy_n(hidden + b * s.width, s.width, h + (b * s.length + t) * s.width);
  }
  for_halves(s, history.hidden + s.length * row, history.cells + s.length * row,
             [&](const T* half, std::int64_t at) { std::copy_n(half, s.width, state + at); });
}

template <class T>
void run_backward(const LstmShape& s, const T* u, const LstmHistory<T>& history, const LstmGradients<T>& g) {
  const std::int64_t row = s.batch * s.width;
  std::vector<T> d_hidden(static_cast<std::size_t>(row));
  std::vector<T> d_cell(static_cast<std::size_t>(row));
  if (g.d_last != nullptr) {
    for_halves(s, d_hidden.data(), d_cell.data(),
               [&](T* half, std::int64_t at) { std::copy_n(g.d_last + at, s.width, half); });
  }
  const Matmul product{.m = s.batch, .n = s.width, .k = 4 * s.width, .transpose_b = true};
  for (std::int64_t t = s.length - 1; t >= 0; --t) {
    const LstmToken<T> token = token_at<T>(s, t, nullptr, history);
    step_backward(
        s, token,
        {g.dh + t * s.width, s.length * s.width, d_hidden.data(), d_cell.data(), g.dx + t * 4 * s.width});
    matmul(product, token.gates, u, d_hidden.data());
  }
  matmul({.m = s.width, .n = 4 * s.width, .k = s.length * s.batch, .transpose_a = true, .accumulate = true},
         history.hidden, history.gates, g.du);
  if (g.d_first != nullptr) {
    for_halves(s, d_hidden.data(), d_cell.data(),
               [&](const T* half, std::int64_t at) { add_to(s.width, half, g.d_first + at, true); });
  }
}

}  // namespace

void lstm(const LstmShape& shape, const float* x, const float* u, float* state, float* h,
          const LstmHistory<float>& history) {
  run(shape, x, u, state, h, history);
}
void lstm(const LstmShape& shape, const double* x, const double* u, double* state, double* h,
          const LstmHistory<double>& history) {
  run(shape, x, u, state, h, history);
}

void lstm_backward(const LstmShape& shape, const float* u, const LstmHistory<float>& history,
                   const LstmGradients<float>& gradients) {
  run_backward(shape, u, history, gradients);
}
void lstm_backward(const LstmShape& shape, const double* u, const LstmHistory<double>& history,
                   const LstmGradients<double>& gradients) {
  run_backward(shape, u, history, gradients);
}

}  // namespace seqbench::kernels
#endif
