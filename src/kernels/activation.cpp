#include "kernels/activation.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include "kernels/gates-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

// The tanh form: gelu(x) = x s(2u) with u = sqrt(2/pi) (x + 0.044715 x^3), because (1 + tanh u) / 2 =
// sigmoid(2u): one exponential.
struct GeluParts {
  FloatVec share;  // sigmoid(2u)
  FloatVec square;
};
HWY_INLINE GeluParts gelu_parts(FloatVec x) {
  const FloatVec square = hn::Mul(x, x);
  const FloatVec minus_2u =
      hn::Mul(x, hn::MulAdd(square, all(static_cast<float>(-2 * naive::kGeluScale * naive::kGeluCube)),
                            all(static_cast<float>(-2 * naive::kGeluScale))));
  return {sigmoid_of_minus(minus_2u), square};
}

// d/dx x s(2u) = s + x s (1 - s) 2u', 2u' = 2 sqrt(2/pi) (1 + 3 * 0.044715 x^2)
HWY_INLINE FloatVec gelu_slope(FloatVec x, const GeluParts& parts) {
  const FloatVec slope_2u =
      hn::MulAdd(parts.square, all(static_cast<float>(6 * naive::kGeluScale * naive::kGeluCube)),
                 all(static_cast<float>(2 * naive::kGeluScale)));
  const FloatVec both = hn::Mul(parts.share, hn::Sub(all(1), parts.share));
  return hn::MulAdd(hn::Mul(x, both), slope_2u, parts.share);
}

void BiasGelu(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, y += width) {
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec in = hn::Add(part.load(x + c), part.load(bias + c));
      part.store(hn::Mul(in, gelu_parts(in).share), y + c);
    });
  }
}

void BiasGeluBackward(std::int64_t rows, std::int64_t width, const float* x, const float* bias,
                      const float* dy, float* dx, bool accumulate, float* dbias) {
  for (std::int64_t r = 0; r < rows; ++r, x += width, dy += width, dx += width) {
    for_vectors(width, [&](std::int64_t c, auto part) HWY_ATTR {
      const FloatVec in = hn::Add(part.load(x + c), part.load(bias + c));
      const FloatVec slope = gelu_slope(in, gelu_parts(in));
      const FloatVec d = hn::Mul(part.load(dy + c), slope);
      part.store(accumulate ? hn::Add(d, part.load(dx + c)) : d, dx + c);
      part.store(hn::Add(d, part.load(dbias + c)), dbias + c);
    });
  }
}

struct EluPlusOne {
  // a NaN is not below 0, and stays one
  static HWY_INLINE FloatVec value(FloatVec x) {
    return hn::IfThenElse(hn::Le(x, all(0)), bounded_exp(x), hn::Add(x, all(1)));
  }
  // exp(min(x, 0)) is 1 above 0: the slope on both sides
  static HWY_INLINE FloatVec slope(FloatVec x) { return bounded_exp(at_most(x, all(0))); }
};

struct Relu {
  static HWY_INLINE FloatVec value(FloatVec x) { return hn::IfThenZeroElse(hn::Lt(x, all(0)), x); }
  static HWY_INLINE FloatVec slope(FloatVec x) {
    return hn::IfThenElse(hn::Gt(x, all(0)), all(1), hn::IfThenZeroElse(hn::Le(x, all(0)), x));
  }
};

struct Sigmoid {
  static HWY_INLINE FloatVec value(FloatVec x) { return gate_sigmoid(x); }
  static HWY_INLINE FloatVec slope(FloatVec x) { return sigmoid_slope(gate_sigmoid(x)); }
};

struct Silu {
  static HWY_INLINE FloatVec value(FloatVec x) { return hn::Mul(x, sigmoid_of_minus(hn::Neg(x))); }
  static HWY_INLINE FloatVec slope(FloatVec x) {
    const FloatVec s = sigmoid_of_minus(hn::Neg(x));
    return hn::MulAdd(hn::Mul(s, x), hn::Sub(all(1), s), s);
  }
};

// The standard normal distribution at x: how much lies below, and e^(-x^2 / 2). Below -a it is e^(-a^2 / 2)
// Q(1 / (1 + 0.32 a)), with Q a polynomial whose relative error is 2e-8 for a from 0 to 14: from 13 on there
// is less than an f32 holds. Together within 1e-7 (2e-6 of itself at x = -6, because a^2 is rounded).
struct NormalParts {
  FloatVec below;
  FloatVec bell;
};
HWY_INLINE NormalParts normal_parts(FloatVec x) {
  const FloatVec a = hn::Min(hn::Abs(x), all(14));
  const FloatVec bell = bounded_exp(hn::Mul(all(-0.5F), hn::Mul(a, a)));
  const FloatVec t = hn::Div(all(1), hn::MulAdd(all(0.32F), a, all(1)));
  FloatVec q = hn::MulAdd(all(-2.10608244e-2F), t, all(1.33806646e-1F));
  q = hn::MulAdd(q, t, all(-3.21561903e-1F));
  q = hn::MulAdd(q, t, all(3.28226417e-1F));
  q = hn::MulAdd(q, t, all(-1.35686576e-1F));
  q = hn::MulAdd(q, t, all(1.62438378e-1F));
  q = hn::MulAdd(q, t, all(9.57810581e-2F));
  q = hn::MulAdd(q, t, all(1.30655304e-1F));
  q = hn::MulAdd(q, t, all(1.27390951e-1F));
  q = hn::MulAdd(q, t, all(1.05715426e-5F));
  const FloatVec tail = hn::IfThenZeroElse(hn::Ge(a, all(13)), hn::Mul(bell, q));
  return {hn::IfThenElse(hn::Lt(x, all(0)), tail, hn::Sub(all(1), tail)), bell};
}

// x times the share of a standard normal distribution below x.
struct Gelu {
  static HWY_INLINE FloatVec value(FloatVec x) { return hn::Mul(x, normal_parts(x).below); }
  static HWY_INLINE FloatVec slope(FloatVec x) {
    const NormalParts parts = normal_parts(x);
    return hn::MulAdd(hn::Mul(x, parts.bell), all(static_cast<float>(naive::kBellHeight)), parts.below);
  }
};

struct Tanh {
  static HWY_INLINE FloatVec value(FloatVec x) { return gate_tanh(x); }
  static HWY_INLINE FloatVec slope(FloatVec x) {
    const FloatVec s = sigmoid_of_minus(hn::Mul(all(-2), x));
    return hn::Mul(all(4), hn::Mul(s, hn::Sub(all(1), s)));
  }
};

template <class F>
void map(std::int64_t count, const float* x, float* y) {
  for_vectors(count,
              [&](std::int64_t i, auto part) HWY_ATTR { part.store(F::value(part.load(x + i)), y + i); });
}

template <class F>
void map_backward(std::int64_t count, const float* x, const float* dy, float* dx, bool accumulate) {
  for_vectors(count, [&](std::int64_t i, auto part) HWY_ATTR {
    const FloatVec d = hn::Mul(part.load(dy + i), F::slope(part.load(x + i)));
    part.store(accumulate ? hn::Add(d, part.load(dx + i)) : d, dx + i);
  });
}

// Calls body(functor) with the functor of `f`.
template <class Body>
void with(Activation f, const Body& body) {
  switch (f) {
    case Activation::elu_plus_one:
      return body(EluPlusOne());
    case Activation::relu:
      return body(Relu());
    case Activation::sigmoid:
      return body(Sigmoid());
    case Activation::silu:
      return body(Silu());
    case Activation::gelu:
      return body(Gelu());
    case Activation::tanh:
      return body(Tanh());
  }
}

void Activate(Activation f, std::int64_t count, const float* x, float* y) {
  with(f, [&](auto functor) { map<decltype(functor)>(count, x, y); });
}

void ActivateBackward(Activation f, std::int64_t count, const float* x, const float* dy, float* dx,
                      bool accumulate) {
  with(f, [&](auto functor) { map_backward<decltype(functor)>(count, x, dy, dx, accumulate); });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(BiasGelu);
HWY_EXPORT(BiasGeluBackward);
HWY_EXPORT(Activate);
HWY_EXPORT(ActivateBackward);
}  // namespace

void bias_gelu(std::int64_t rows, std::int64_t width, const float* x, const float* bias, float* y) {
  HWY_DYNAMIC_DISPATCH(BiasGelu)(rows, width, x, bias, y);
}

void bias_gelu_backward(std::int64_t rows, std::int64_t width, const float* x, const float* bias,
                        const float* dy, float* dx, bool accumulate_dx, float* dbias, bool accumulate_dbias) {
  if (!accumulate_dbias) std::fill_n(dbias, width, 0.0F);
  HWY_DYNAMIC_DISPATCH(BiasGeluBackward)(rows, width, x, bias, dy, dx, accumulate_dx, dbias);
}

void activate(Activation f, std::int64_t count, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(Activate)(f, count, x, y);
}

void activate_backward(Activation f, std::int64_t count, const float* x, const float* dy, float* dx,
                       bool accumulate) {
  HWY_DYNAMIC_DISPATCH(ActivateBackward)(f, count, x, dy, dx, accumulate);
}

}  // namespace seqbench::kernels
#endif
