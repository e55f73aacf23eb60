#include "train/evaluate.h"

#include <doctest/doctest.h>

#include <cmath>

#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

TEST_CASE("Wilson's interval: known values, and never a width of zero") {
  // Wilson 1927; the figures are those of any statistics package for 8 of 10.
  CHECK(wilson(0.8, 10).low == doctest::Approx(0.4902).epsilon(1e-3));
  CHECK(wilson(0.8, 10).high == doctest::Approx(0.9433).epsilon(1e-3));
  CHECK(wilson(1.0, 1024).low == doctest::Approx(0.99626).epsilon(1e-4));
  CHECK(wilson(1.0, 1024).high == 1.0);
  CHECK(wilson(0.0, 10).low == 0.0);
}

TEST_CASE("means count every labelled position once, and exact every example") {
  const RunSpec spec = tiny_spec("softmax");
  const auto task = spec.task->make(spec.task_options, 0);
  ScoreSum sum;
  sum.add(ExampleScore{.loss = 3, .labels = 3, .correct = 3});
  sum.add(ExampleScore{.loss = 7, .labels = 1, .correct = 0});
  const Metrics metrics = metrics_of(sum, *task);
  CHECK(metrics.loss == 2.5);
  CHECK(metrics.accuracy == 0.75);
  CHECK(metrics.exact == 0.5);
  CHECK(metrics.examples == 2);
  CHECK_FALSE(metrics.bits_per_byte.has_value());
}

TEST_CASE("an untrained model scores the loss of guessing") {
  const RunSpec spec = tiny_spec("linear");
  const auto task = spec.task->make(spec.task_options, 0);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  const Metrics metrics =
      evaluate(*task, model, model.parameters().initial(0, DType::f32), Split::test, 64, 1);
  CHECK(metrics.loss == doctest::Approx(std::log(40.0)).epsilon(0.01));
  CHECK(metrics.examples == 64);
  CHECK(metrics.labels == 64 * 3);
}

}  // namespace
}  // namespace seqbench::test
