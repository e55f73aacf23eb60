#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/naive/activation.h"

namespace seqbench {

// What a candidate h~ is of its pre-activation x: g(x), which is x + 0.5 for x >= 0 and sigmoid(x) below, so
// that it has a logarithm; or x itself.
enum class Candidate { positive, linear };

struct GatedScanShape {
  std::int64_t batch = 0;
  std::int64_t length = 0;
  std::int64_t width = 0;
  Candidate candidate = Candidate::positive;
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

// Tokens over which the chunked scan sums up logarithms. The sum reaches 16 |gate|, and a rounding of it is a
// relative error of h: 16 * 10 * 6e-8 = 1e-5 for a gate of 10 in f32. Longer chunks lose more.
constexpr std::int64_t kScanChunk = 16;

namespace naive {

inline double candidate_of(Candidate kind, double x) {
  if (kind == Candidate::linear) return x;
  return x >= 0 ? x + 0.5 : sigmoid(x);
}
inline double candidate_slope(Candidate kind, double x) {
  return kind == Candidate::linear || x >= 0 ? 1.0 : sigmoid(x) * (1.0 - sigmoid(x));
}

// gate, candidate, h: [batch, length, width]. state: [batch, width], h before the first token, left as h of
// the last.
template <class T>
void gated_scan(const GatedScanShape& s, const T* gate, const T* candidate, T* state, T* h) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t t = 0; t < s.length; ++t) {
      for (std::int64_t c = 0; c < s.width; ++c) {
        const std::int64_t at = (b * s.length + t) * s.width + c;
        const double z = sigmoid(static_cast<double>(gate[at]));
        const double before = static_cast<double>(state[b * s.width + c]);
        const double proposed = candidate_of(s.candidate, static_cast<double>(candidate[at]));
        h[at] = static_cast<T>((1.0 - z) * before + z * proposed);
        state[b * s.width + c] = h[at];
      }
    }
  }
}

// One chunk of one channel from an empty state: log_kept is A = sum log(1 - z), local() is h.
class LogScan {
 public:
  void step(double gate, double candidate) {
    log_kept_ -= softplus(gate);
    const double log_g = candidate >= 0 ? std::log(candidate + 0.5) : -softplus(-candidate);
    const double v = log_g - softplus(-gate) - log_kept_;
    const double top = std::max(top_, v);
    sum_ = sum_ * std::exp(top_ - top) + std::exp(v - top);
    top_ = top;
  }
  double local() const { return std::exp(log_kept_ + top_) * sum_; }
  double kept() const { return std::exp(log_kept_); }

 private:
  double log_kept_ = 0;
  double top_ = std::numeric_limits<double>::lowest();
  double sum_ = 0;
};

// The same for candidates of any sign.
class LinearScan {
 public:
  void step(double gate, double candidate) {
    const double z = sigmoid(gate);
    local_ = (1.0 - z) * local_ + z * candidate;
    kept_ *= 1.0 - z;
  }
  double local() const { return local_; }
  double kept() const { return kept_; }

 private:
  double local_ = 0;
  double kept_ = 1;
};

template <class Scan, class T>
void scan_chunks(const GatedScanShape& s, const T* gate, const T* candidate, T* state, T* h) {
  for (std::int64_t b = 0; b < s.batch; ++b) {
    for (std::int64_t c = 0; c < s.width; ++c) {
      T* last = state + b * s.width + c;
      for (std::int64_t first = 0; first < s.length; first += kScanChunk) {
        const double before = static_cast<double>(*last);
        Scan scan;
        for (std::int64_t t = first; t < std::min(first + kScanChunk, s.length); ++t) {
          const std::int64_t at = (b * s.length + t) * s.width + c;
          scan.step(static_cast<double>(gate[at]), static_cast<double>(candidate[at]));
          h[at] = static_cast<T>(scan.local() + scan.kept() * before);
          *last = h[at];
        }
      }
    }
  }
}

template <class T>
void gated_scan_chunked(const GatedScanShape& s, const T* gate, const T* candidate, T* state, T* h) {
  if (s.candidate == Candidate::linear) return scan_chunks<LinearScan>(s, gate, candidate, state, h);
  scan_chunks<LogScan>(s, gate, candidate, state, h);
}

// Overwrites d_gate and d_candidate. With the reverse scan g_t = dh_t + (1 - z_{t+1}) g_{t+1}: d_gate = g (h~
// - h_{t-1}) z (1 - z), d_candidate = g z times the slope of h~.
template <class T>
void gated_scan_backward(const GatedScanShape& s, const T* gate, const T* candidate, const T* h, const T* dh,
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
        d_gate[at] = static_cast<T>(g * (candidate_of(s.candidate, x) - before) * z * (1.0 - z));
        d_candidate[at] = static_cast<T>(g * z * candidate_slope(s.candidate, x));
        carried = g * (1.0 - z);
      }
      if (ends.d_first != nullptr) ends.d_first[end] += static_cast<T>(carried);
    }
  }
}

template <class T>
void log_odds(std::int64_t count, const T* input, const T* forget, T* odds) {
  for (std::int64_t i = 0; i < count; ++i) {
    odds[i] =
        static_cast<T>(softplus(-static_cast<double>(forget[i])) - softplus(-static_cast<double>(input[i])));
  }
}

// Overwrites d_input and d_forget.
template <class T>
void log_odds_backward(std::int64_t count, const T* input, const T* forget, const T* d_odds, T* d_input,
                       T* d_forget) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double d = static_cast<double>(d_odds[i]);
    d_input[i] = static_cast<T>(d * sigmoid(-static_cast<double>(input[i])));
    d_forget[i] = static_cast<T>(-d * sigmoid(-static_cast<double>(forget[i])));
  }
}

}  // namespace naive
}  // namespace seqbench
