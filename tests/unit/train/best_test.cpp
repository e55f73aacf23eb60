#include "train/best.h"

#include <doctest/doctest.h>

#include <limits>

namespace seqbench {
namespace {

Metrics validation(double accuracy, double loss) {
  Metrics metrics;
  metrics.accuracy = accuracy;
  metrics.loss = loss;
  return metrics;
}

Buffer weights_of(float value) {
  Buffer weights(1, DType::f32);
  *weights.as<float>() = value;
  return weights;
}

TEST_CASE("the best validation has the largest accuracy, of equal ones the smallest loss, and comes first") {
  Best best;
  best.offer(1, validation(0, std::numeric_limits<double>::quiet_NaN()), weights_of(1));
  CHECK(best.step == 0);
  best.offer(2, validation(0, 9), weights_of(2));
  CHECK(best.step == 2);
  best.offer(3, validation(0.5, 10), weights_of(3));
  CHECK(best.step == 3);
  best.offer(4, validation(0.4, 1), weights_of(4));
  best.offer(5, validation(0.5, 10), weights_of(5));
  best.offer(6, validation(0.9, std::numeric_limits<double>::infinity()), weights_of(6));
  CHECK(best.step == 3);
  CHECK(*best.weights.as<float>() == 3);
  best.offer(7, validation(0.5, 9), weights_of(7));
  CHECK(best.step == 7);
  CHECK(*best.weights.as<float>() == 7);
}

TEST_CASE("of text and random sources the best validation has the smallest loss") {
  for (const bool text : {true, false}) {
    Best best;
    const auto offer = [&](std::int64_t step, double accuracy, double loss) {
      Metrics metrics = validation(accuracy, loss);
      (text ? metrics.bits_per_byte : metrics.excess) = 1;
      best.offer(step, metrics, weights_of(0));
    };
    offer(1, 0.5, 2);
    offer(2, 0.6, 3);
    CHECK(best.step == 1);
    offer(3, 0.4, 1);
    CHECK(best.step == 3);
  }
}

}  // namespace
}  // namespace seqbench
