#include "kernels/gated_scan.h"

#include <algorithm>
#include <limits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/gated_scan.cpp"
#include <hwy/foreach_target.h>
// After foreach_target:
#include <hwy/contrib/math/math-inl.h>

#include "kernels/vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace seqbench {
namespace HWY_NAMESPACE {
namespace {

struct PositiveCandidate {
  HWY_INLINE explicit PositiveCandidate(FloatVec x)
      : below(sigmoid_of_minus(hn::Neg(x))), at_least_0(hn::Ge(x, all(0))), above(hn::Add(x, all(0.5F))) {}
  HWY_INLINE FloatVec value() const { return hn::IfThenElse(at_least_0, above, below); }
  HWY_INLINE FloatVec slope() const {
    return hn::IfThenElse(at_least_0, all(1), hn::Mul(below, hn::Sub(all(1), below)));
  }
  FloatVec below;
  FloatMask at_least_0;
  FloatVec above;
};

struct LinearCandidate {
  HWY_INLINE explicit LinearCandidate(FloatVec in) : x(in) {}
  HWY_INLINE FloatVec value() const { return x; }
  HWY_INLINE FloatVec slope() const { return all(1); }
  FloatVec x;
};

// The channels of one vector from c on, of sequence b; `part` loads and stores those that exist.
template <class Proposed, class Lanes>
HWY_INLINE void forward_channels(const GatedScanShape& s, std::int64_t b, std::int64_t c, const Lanes& part,
                                 const float* gate, const float* candidate, float* state, float* h) {
  float* last = state + b * s.width + c;
  FloatVec hidden = part.load(last);
  for (std::int64_t t = 0; t < s.length; ++t) {
    const std::int64_t at = (b * s.length + t) * s.width + c;
    const FloatVec z = sigmoid_of_minus(hn::Neg(part.load(gate + at)));
    const FloatVec proposed = Proposed(part.load(candidate + at)).value();
    hidden = hn::MulAdd(z, hn::Sub(proposed, hidden), hidden);
    part.store(hidden, h + at);
  }
  part.store(hidden, last);
}

template <class Proposed, class Lanes>
HWY_INLINE void backward_channels(const GatedScanShape& s, std::int64_t b, std::int64_t c, const Lanes& part,
                                  const float* gate, const float* candidate, const float* h, const float* dh,
                                  const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  const std::int64_t end = b * s.width + c;
  const FloatVec first = ends.first == nullptr ? all(0) : part.load(ends.first + end);
  FloatVec carried = ends.d_last == nullptr ? all(0) : part.load(ends.d_last + end);
  for (std::int64_t t = s.length - 1; t >= 0; --t) {
    const std::int64_t at = (b * s.length + t) * s.width + c;
    const FloatVec z = sigmoid_of_minus(hn::Neg(part.load(gate + at)));
    const FloatVec keep = hn::Sub(all(1), z);
    const Proposed proposed(part.load(candidate + at));
    const FloatVec before = t == 0 ? first : part.load(h + at - s.width);
    const FloatVec g = hn::Add(part.load(dh + at), carried);
    const FloatVec gz = hn::Mul(g, z);
    part.store(hn::Mul(hn::Mul(gz, keep), hn::Sub(proposed.value(), before)), d_gate + at);
    part.store(hn::Mul(gz, proposed.slope()), d_candidate + at);
    carried = hn::Mul(g, keep);
  }
  if (ends.d_first != nullptr) {
    part.store(hn::Add(carried, part.load(ends.d_first + end)), ends.d_first + end);
  }
}

// log(1 + exp(-|x|)), and any number for a NaN, of which hn::Log is none: softplus(x) is this plus max(x, 0), softplus(-x) this plus max(-x, 0).
HWY_INLINE FloatVec softplus_tail(FloatVec x) {
  return hn::Log(FloatTag(), hn::Add(all(1), bounded_exp(hn::Neg(hn::Abs(x)))));
}

// One chunk from an empty state, as its twin.
class LogScan {
 public:
  HWY_INLINE LogScan() : log_kept_(all(0)), top_(all(std::numeric_limits<float>::lowest())), sum_(all(0)) {}
  HWY_INLINE void step(FloatVec gate, FloatVec candidate) {
    const FloatVec tail = softplus_tail(gate);
    log_kept_ = hn::Sub(log_kept_, hn::Add(at_least(gate, all(0)), tail));
    const FloatVec log_z = hn::Sub(at_most(gate, all(0)), tail);
    const FloatVec v = hn::Sub(hn::Add(log_of_g(candidate), log_z), log_kept_);
    const FloatVec top = hn::Max(top_, v);
    sum_ = hn::MulAdd(sum_, bounded_exp(hn::Sub(top_, top)), bounded_exp(hn::Sub(v, top)));
    top_ = top;
  }
  HWY_INLINE FloatVec local() const { return hn::Mul(bounded_exp(hn::Add(log_kept_, top_)), sum_); }
  HWY_INLINE FloatVec kept() const { return bounded_exp(log_kept_); }

 private:
  // x >= 0: log(x + 0.5); below: x - log(1 + exp(x)).
  static HWY_INLINE FloatVec log_of_g(FloatVec x) {
    const FloatMask at_least_0 = hn::Ge(x, all(0));
    const FloatVec of = hn::IfThenElse(at_least_0, hn::Add(x, all(0.5F)), hn::Add(all(1), bounded_exp(x)));
    const FloatVec log = hn::Log(FloatTag(), of);  // of infinity: 89
    return hn::IfThenElse(at_least_0, hn::MulAdd(x, all(0), log), hn::Sub(x, log));
  }
  FloatVec log_kept_;
  FloatVec top_;
  FloatVec sum_;
};

class LinearScan {
 public:
  HWY_INLINE LinearScan() : local_(all(0)), kept_(all(1)) {}
  HWY_INLINE void step(FloatVec gate, FloatVec candidate) {
    const FloatVec z = sigmoid_of_minus(hn::Neg(gate));
    local_ = hn::MulAdd(z, hn::Sub(candidate, local_), local_);
    kept_ = hn::NegMulAdd(z, kept_, kept_);
  }
  HWY_INLINE FloatVec local() const { return local_; }
  HWY_INLINE FloatVec kept() const { return kept_; }

 private:
  FloatVec local_;
  FloatVec kept_;
};

template <class Scan, class Lanes>
HWY_INLINE void chunked_channels(const GatedScanShape& s, std::int64_t b, std::int64_t c, const Lanes& part,
                                 const float* gate, const float* candidate, float* state, float* h) {
  float* last = state + b * s.width + c;
  FloatVec hidden = part.load(last);
  for (std::int64_t first = 0; first < s.length; first += kScanChunk) {
    const FloatVec before = hidden;
    Scan scan;
    for (std::int64_t t = first; t < std::min(first + kScanChunk, s.length); ++t) {
      const std::int64_t at = (b * s.length + t) * s.width + c;
      scan.step(part.load(gate + at), part.load(candidate + at));
      hidden = hn::MulAdd(scan.kept(), before, scan.local());
      part.store(hidden, h + at);
    }
  }
  part.store(hidden, last);
}

// body(b, c, part) for the vectors of channels of every sequence.
template <class Body>
HWY_INLINE void for_channels(const GatedScanShape& s, const Body& body) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for_vectors(s.width, [&](std::int64_t c, auto part) HWY_ATTR { body(b, c, part); });
  }
}

template <class Proposed>
void forward(const GatedScanShape& s, const float* gate, const float* candidate, float* state, float* h) {
  for_channels(s, [&](std::int64_t b, std::int64_t c, auto part)
                      HWY_ATTR { forward_channels<Proposed>(s, b, c, part, gate, candidate, state, h); });
}
template <class Scan>
void chunked(const GatedScanShape& s, const float* gate, const float* candidate, float* state, float* h) {
  for_channels(s, [&](std::int64_t b, std::int64_t c, auto part)
                      HWY_ATTR { chunked_channels<Scan>(s, b, c, part, gate, candidate, state, h); });
}
template <class Proposed>
void backward(const GatedScanShape& s, const float* gate, const float* candidate, const float* h,
              const float* dh, const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  for_channels(s, [&](std::int64_t b, std::int64_t c, auto part) HWY_ATTR {
    backward_channels<Proposed>(s, b, c, part, gate, candidate, h, dh, ends, d_gate, d_candidate);
  });
}

void Forward(const GatedScanShape& s, const float* gate, const float* candidate, float* state, float* h) {
  const bool linear = s.candidate == Candidate::linear;
  (linear ? forward<LinearCandidate> : forward<PositiveCandidate>)(s, gate, candidate, state, h);
}

void Chunked(const GatedScanShape& s, const float* gate, const float* candidate, float* state, float* h) {
  const bool linear = s.candidate == Candidate::linear;
  (linear ? chunked<LinearScan> : chunked<LogScan>)(s, gate, candidate, state, h);
}

void Backward(const GatedScanShape& s, const float* gate, const float* candidate, const float* h,
              const float* dh, const ScanEnds<float>& ends, float* d_gate, float* d_candidate) {
  const bool linear = s.candidate == Candidate::linear;
  (linear ? backward<LinearCandidate> : backward<PositiveCandidate>)(s, gate, candidate, h, dh, ends, d_gate,
                                                                     d_candidate);
}

// softplus(-f) - softplus(-i) with the difference of the two tails as one logarithm, of a number in [1/2, 2].
void LogOdds(std::int64_t count, const float* input, const float* forget, float* odds) {
  for_vectors(count, [&](std::int64_t n, auto part) HWY_ATTR {
    const FloatVec i = part.load(input + n);
    const FloatVec f = part.load(forget + n);
    const FloatVec of_i = hn::Add(all(1), bounded_exp(hn::Neg(hn::Abs(i))));
    const FloatVec of_f = hn::Add(all(1), bounded_exp(hn::Neg(hn::Abs(f))));
    const FloatVec straight = hn::Sub(at_most(i, all(0)), at_most(f, all(0)));
    part.store(hn::Add(straight, hn::Log(FloatTag(), hn::Div(of_f, of_i))), odds + n);
  });
}

void LogOddsBackward(std::int64_t count, const float* input, const float* forget, const float* d_odds,
                     float* d_input, float* d_forget) {
  for_vectors(count, [&](std::int64_t n, auto part) HWY_ATTR {
    const FloatVec d = part.load(d_odds + n);
    part.store(hn::Mul(d, sigmoid_of_minus(part.load(input + n))), d_input + n);
    part.store(hn::Neg(hn::Mul(d, sigmoid_of_minus(part.load(forget + n)))), d_forget + n);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace seqbench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace seqbench::kernels {
namespace {
HWY_EXPORT(Forward);
HWY_EXPORT(Chunked);
HWY_EXPORT(Backward);
HWY_EXPORT(LogOdds);
HWY_EXPORT(LogOddsBackward);
}  // namespace

void gated_scan(const GatedScanShape& shape, const float* gate, const float* candidate, float* state,
                float* h) {
  HWY_DYNAMIC_DISPATCH(Forward)(shape, gate, candidate, state, h);
}

void gated_scan_chunked(const GatedScanShape& shape, const float* gate, const float* candidate, float* state,
                        float* h) {
  HWY_DYNAMIC_DISPATCH(Chunked)(shape, gate, candidate, state, h);
}

void gated_scan_backward(const GatedScanShape& shape, const float* gate, const float* candidate,
                         const float* h, const float* dh, const ScanEnds<float>& ends, float* d_gate,
                         float* d_candidate) {
  HWY_DYNAMIC_DISPATCH(Backward)(shape, gate, candidate, h, dh, ends, d_gate, d_candidate);
}

void log_odds(std::int64_t count, const float* input, const float* forget, float* odds) {
  HWY_DYNAMIC_DISPATCH(LogOdds)(count, input, forget, odds);
}

void log_odds_backward(std::int64_t count, const float* input, const float* forget, const float* d_odds,
                       float* d_input, float* d_forget) {
  HWY_DYNAMIC_DISPATCH(LogOddsBackward)(count, input, forget, d_odds, d_input, d_forget);
}

}  // namespace seqbench::kernels
#endif
