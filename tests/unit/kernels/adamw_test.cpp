#include "kernels/adamw.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

template <class T>
struct Trained {
  std::vector<T> gradient, weights, first, second;

  explicit Trained(std::int64_t count)
      : gradient(random_vector<T>(count, 1)),
        weights(random_vector<T>(count, 2)),
        first(random_vector<T>(count, 3, 0.1)),
        second(random_vector<T>(count, 4, 0.1)) {
    for (T& v : second) v = std::abs(v);
  }
};

AdamW step_number(int step) {
  return {.lr = 1e-2,
          .beta1 = 0.9,
          .beta2 = 0.95,
          .eps = 1e-8,
          .weight_decay = 0.1,
          .correction1 = 1 - std::pow(0.9, step),
          .correction2 = 1 - std::pow(0.95, step),
          .gradient_scale = 0.7};
}

TEST_CASE("adamw: three steps agree with the oracle on every target") {
  for (const std::int64_t count : widths()) {
    CAPTURE(count);
    Trained<double> oracle(count);
    const std::vector<double> start = oracle.weights;
    for (int step = 1; step <= 3; ++step) {
      naive::adamw(step_number(step), count, oracle.gradient.data(), oracle.weights.data(),
                   oracle.first.data(), oracle.second.data());
    }
    REQUIRE(max_difference(oracle.weights, start) > 1e-3);
    for_each_target([&] {
      Trained<float> plain(count);
      Misaligned<float> gradient(plain.gradient), weights(plain.weights), first(plain.first),
          second(plain.second);
      for (int step = 1; step <= 3; ++step) {
        kernels::adamw(step_number(step), count, gradient.data(), weights.data(), first.data(),
                       second.data());
        kernels::adamw(step_number(step), count, plain.gradient.data(), plain.weights.data(),
                       plain.first.data(), plain.second.data());
      }
      CHECK(max_difference(weights.values(), oracle.weights) < 8 * kFloatEps * (1 + largest(oracle.weights)));
      CHECK(max_difference(first.values(), oracle.first) < 8 * kFloatEps * (1 + largest(oracle.first)));
      CHECK(max_difference(second.values(), oracle.second) < 8 * kFloatEps * (1 + largest(oracle.second)));
      CHECK(weights.values() == plain.weights);
    });
  }
}

TEST_CASE(
    "adamw: the first step from nothing moves each weight by lr against its gradient, and decays it by lr * "
    "decay") {
  AdamW step = step_number(1);
  step.gradient_scale = 1;
  for_each_target([&] {
    const std::vector<float> gradient = {2, -0.5F, 3};
    std::vector<float> weights = {1, 10, -4}, first(3), second(3);
    kernels::adamw(step, 3, gradient.data(), weights.data(), first.data(), second.data());
    // lr 0.01, decay 0.1: w (1 - 0.001) - 0.01 sign(g)
    CHECK(max_difference(weights, std::vector<double>{0.989, 10.0, -4.006}) < 8 * kFloatEps * 10);
  });
}

}  // namespace
}  // namespace seqbench::test
