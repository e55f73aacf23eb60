#pragma once
#include <cmath>
#include <cstdint>

namespace seqbench {

struct AdamW {
  double lr = 0;
  double beta1 = 0;
  double beta2 = 0;
  double eps = 0;
  double weight_decay = 0;
  double correction1 = 1;  // 1 - beta1^step
  double correction2 = 1;
  double gradient_scale = 1;  // multiplies every gradient first
};

namespace naive {

template <class T>
void adamw(const AdamW& a, std::int64_t count, const T* gradient, T* weights, T* first, T* second) {
  for (std::int64_t i = 0; i < count; ++i) {
    const double g = static_cast<double>(gradient[i]) * a.gradient_scale;
    const double m = a.beta1 * static_cast<double>(first[i]) + (1 - a.beta1) * g;
    const double v = a.beta2 * static_cast<double>(second[i]) + (1 - a.beta2) * g * g;
    const double kept = static_cast<double>(weights[i]) * (1 - a.lr * a.weight_decay);
    weights[i] = static_cast<T>(kept - a.lr * (m / a.correction1) / (std::sqrt(v / a.correction2) + a.eps));
    first[i] = static_cast<T>(m);
    second[i] = static_cast<T>(v);
  }
}

}  // namespace naive
}  // namespace seqbench
