#include "kernels/gru.h"

#include <algorithm>
#include <vector>

#include "kernels/elementwise.h"
#include "kernels/matmul.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gru.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/gates-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

template <class Lanes>
HWY_INLINE void step_channels(std::int64_t b, std::int64_t c, std::int64_t width, const Lanes& part,
                              const float* bias, const GruToken<float>& token, float* hidden) {
  const std::int64_t at = b * width + c;
  float* gates = token.gates + b * 3 * width + c;
  const float* x = token.x + b * token.x_row + c;
  const FloatVec r = gate_sigmoid(hn::Add(part.load(gates), part.load(x)));
  const FloatVec z = gate_sigmoid(hn::Add(part.load(gates + width), part.load(x + width)));
  const FloatVec inner = hn::Add(part.load(gates + 2 * width), part.load(bias + c));
  const FloatVec n = gate_tanh(hn::MulAdd(r, inner, part.load(x + 2 * width)));
  const FloatVec before = part.load(token.hidden_before + at);
  part.store(r, gates);
  part.store(z, gates + width);
  part.store(n, gates + 2 * width);
  part.store(inner, token.inner + at);
  part.store(hn::MulAdd(z, hn::Sub(before, n), n), hidden + at);
}

template <class Lanes>
HWY_INLINE void backward_channels(std::int64_t b, std::int64_t c, std::int64_t width, const Lanes& part,
                                  const GruToken<float>& token, const GruTokenGradient<float>& gradient) {
  const std::int64_t at = b * width + c;
  float* gates = token.gates + b * 3 * width + c;
  const auto add = [&](FloatVec d, float* to) HWY_ATTR { part.store(hn::Add(d, part.load(to)), to); };
  const FloatVec r = part.load(gates);
  const FloatVec z = part.load(gates + width);
  const FloatVec n = part.load(gates + 2 * width);
  const FloatVec dh =
      hn::Add(part.load(gradient.dh + b * gradient.dh_row + c), part.load(gradient.d_hidden + at));
  const FloatVec d_n = hn::Mul(hn::NegMulAdd(dh, z, dh), tanh_slope(n));
  const FloatVec d_r = hn::Mul(hn::Mul(d_n, part.load(token.inner + at)), sigmoid_slope(r));
  const FloatVec d_z =
      hn::Mul(hn::Mul(dh, hn::Sub(part.load(token.hidden_before + at), n)), sigmoid_slope(z));
  const FloatVec d_inner = hn::Mul(d_n, r);
  part.store(d_r, gates);
  part.store(d_z, gates + width);
  part.store(d_inner, gates + 2 * width);
  float* dx = gradient.dx + b * token.x_row + c;
  add(d_r, dx);
  add(d_z, dx + width);
  add(d_n, dx + 2 * width);
  add(d_inner, gradient.d_bias + c);
  part.store(hn::Mul(dh, z), gradient.d_hidden + at);
}

void Step(const GruShape& s, const float* bias, const GruToken<float>& token, float* hidden) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part)
                             HWY_ATTR { step_channels(b, c, s.width, part, bias, token, hidden); });
  }
}

void StepBackward(const GruShape& s, const GruToken<float>& token, const GruTokenGradient<float>& gradient) {
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

void step(const GruShape& s, const float* bias, const GruToken<float>& token, float* hidden) {
  HWY_DYNAMIC_DISPATCH(Step)(s, bias, token, hidden);
}
void step(const GruShape& s, const double* bias, const GruToken<double>& token, double* hidden) {
  naive::gru_step(s, bias, token, hidden);
}
void step_backward(const GruShape& s, const GruToken<float>& token, const GruTokenGradient<float>& gradient) {
  HWY_DYNAMIC_DISPATCH(StepBackward)(s, token, gradient);
}
void step_backward(const GruShape& s, const GruToken<double>& token,
                   const GruTokenGradient<double>& gradient) {
  naive::gru_step_backward(s, token, gradient);
}

template <class T>
GruToken<T> token_at(const GruShape& s, std::int64_t t, const T* x, const GruHistory<T>& history) {
  const std::int64_t row = s.batch * s.width;
  return {x, s.length * 3 * s.width, history.hidden + t * row, history.gates + t * 3 * row,
          history.inner + t * row};
}

template <class T>
void run(const GruShape& s, const T* x, const T* u, const T* bias, T* state, T* h,
         const GruHistory<T>& history) {
  const std::int64_t row = s.batch * s.width;
  const Matmul product{.m = s.batch, .n = 3 * s.width, .k = s.width};
  std::copy_n(state, row, history.hidden);
  for (std::int64_t t = 0; t < s.length; ++t) {
    const GruToken<T> token = token_at(s, t, x + t * 3 * s.width, history);
    T* hidden = history.hidden + (t + 1) * row;
    matmul(product, token.hidden_before, u, token.gates);
    step(s, bias, token, hidden);
    for (std::int64_t b = 0; b < s.batch; ++b)
      std::copy_n(hidden + b * s.width, s.width, h + (b * s.length + t) * s.width);
  }
  std::copy_n(history.hidden + s.length * row, row, state);
}

template <class T>
void run_backward(const GruShape& s, const T* u, const GruHistory<T>& history, const GruGradients<T>& g) {
  const std::int64_t row = s.batch * s.width;
  std::vector<T> d_hidden(static_cast<std::size_t>(row));
  if (g.d_last != nullptr) std::copy_n(g.d_last, row, d_hidden.data());
  const Matmul product{.m = s.batch, .n = s.width, .k = 3 * s.width, .transpose_b = true, .accumulate = true};
  for (std::int64_t t = s.length - 1; t >= 0; --t) {
    const GruToken<T> token = token_at<T>(s, t, nullptr, history);
    step_backward(
        s, token,
        {g.dh + t * s.width, s.length * s.width, d_hidden.data(), g.dx + t * 3 * s.width, g.d_bias});
    matmul(product, token.gates, u, d_hidden.data());
  }
  matmul({.m = s.width, .n = 3 * s.width, .k = s.length * s.batch, .transpose_a = true, .accumulate = true},
         history.hidden, history.gates, g.du);
  if (g.d_first != nullptr) add_to(row, d_hidden.data(), g.d_first, true);
}

}  // namespace

void gru(const GruShape& shape, const float* x, const float* u, const float* bias, float* state, float* h,
         const GruHistory<float>& history) {
  run(shape, x, u, bias, state, h, history);
}
void gru(const GruShape& shape, const double* x, const double* u, const double* bias, double* state,
         double* h, const GruHistory<double>& history) {
  run(shape, x, u, bias, state, h, history);
}

void gru_backward(const GruShape& shape, const float* u, const GruHistory<float>& history,
                  const GruGradients<float>& gradients) {
  run_backward(shape, u, history, gradients);
}
void gru_backward(const GruShape& shape, const double* u, const GruHistory<double>& history,
                  const GruGradients<double>& gradients) {
  run_backward(shape, u, history, gradients);
}

}  // namespace seqbench::kernels
#endif
