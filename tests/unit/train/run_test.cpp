#include "train/run.h"

#include <doctest/doctest.h>

#include <cmath>
#include <thread>

#include "base/error.h"
#include "train/safetensors.h"
#include "train/trainer.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

TEST_CASE("a run is bitwise the same at any number of threads, and side by side with others") {
  for (const std::string mechanism : {"softmax", "linear", "min_gru"}) {
    CAPTURE(mechanism);
    const TemporaryFolder folder;
    const Outcome one = run_in(folder, tiny_spec(mechanism), 1);
    REQUIRE(one.result.status == Status::ok);
    REQUIRE(one.curve.size() > 100);
    REQUIRE(one.weights.size() > 10000);
    for (const int threads : {2, 5}) {
      const TemporaryFolder other;
      check_same(one, run_in(other, tiny_spec(mechanism), threads));
    }
    Outcome left;
    Outcome right;
    const TemporaryFolder left_folder;
    const TemporaryFolder right_folder;
    std::thread beside([&] { left = run_in(left_folder, tiny_spec(mechanism), 1); });
    right = run_in(right_folder, tiny_spec(mechanism), 2);
    beside.join();
    check_same(one, left);
    check_same(one, right);
  }
}

TEST_CASE("another seed is another run") {
  const TemporaryFolder a;
  const TemporaryFolder b;
  RunSpec spec = tiny_spec("softmax");
  const Outcome zero = run_in(a, spec, 1);
  spec.seed = 1;
  CHECK(run_in(b, spec, 1).result.test.loss != zero.result.test.loss);
}

// Steps so large that validation gets worse: its best is not its last.
RunSpec getting_worse(std::int64_t steps) {
  return tiny_spec("softmax", {{"steps", steps},
                               {"valid_every", std::int64_t{2}},
                               {"lr", 0.3},
                               {"clip", 0.0},
                               {"warmup", 0.0},
                               {"schedule", std::string("constant")}});
}

TEST_CASE("the weights with the best validation are kept and tested beside the last, through interruptions") {
  const TemporaryFolder folder;
  const Outcome whole = run_in(folder, getting_worse(12), 2);
  REQUIRE(whole.result.best.has_value());
  const BestResult& best = *whole.result.best;
  REQUIRE(best.step < 12);
  const TemporaryFolder shorter;
  const Outcome until = run_in(shorter, getting_worse(best.step), 1);
  CHECK(whole.best == until.weights);
  CHECK(best.test.loss == until.result.test.loss);
  CHECK(best.valid.accuracy == until.result.valid.accuracy);
  REQUIRE(best.settings.size() == 2);
  for (const std::size_t i : {0, 1}) CHECK(best.settings[i].metrics.loss == until.result.settings[i].metrics.loss);
  CHECK(best.test.loss != whole.result.test.loss);
  CHECK(until.best.empty());
  CHECK(until.result.best->test.loss == until.result.test.loss);
  for (const std::int64_t stop : {1, 4, 5, 11}) {
    CAPTURE(stop);
    const TemporaryFolder stopped;
    run_in(stopped, getting_worse(12), 2, stop);
    const Outcome resumed = run_in(stopped, getting_worse(12), 1);
    check_same(whole, resumed);
    CHECK(resumed.result.best->step == best.step);
    CHECK(resumed.result.best->test.loss == best.test.loss);
  }
}

TEST_CASE("a loss that is no number ends the run as diverged, with its curve and no exception") {
  const TemporaryFolder folder;
  const Outcome outcome = run_in(
      folder,
      tiny_spec("softmax", {{"lr", 1000.0}, {"clip", 0.0}, {"warmup", 0.0}, {"steps", std::int64_t{200}}}),
      1);
  CHECK(outcome.result.status == Status::diverged);
  CHECK(outcome.result.message.find("train.lr") != std::string::npos);
  CHECK(outcome.result.steps < 200);
}

TEST_CASE("losses that are no numbers after the last step end the run as diverged") {
  // Each step multiplies the weights by -99999: after the second the gradients are still numbers, the losses
  // not.
  bool told = false;
  for (const std::int64_t steps : {1, 2, 3}) {
    CAPTURE(steps);
    const TemporaryFolder folder;
    const RunSpec spec = tiny_spec("linear", {{"lr", 1000.0},
                                              {"weight_decay", 100.0},
                                              {"clip", 0.0},
                                              {"warmup", 0.0},
                                              {"schedule", std::string("constant")},
                                              {"steps", steps}});
    const RunResult result = run_in(folder, spec, 1).result;
    const bool finite = std::isfinite(result.valid.loss) && std::isfinite(result.test.loss);
    CHECK((finite || result.status == Status::diverged));
    told = told || result.message.starts_with("the loss of the last validation is no number: lower train.lr");
  }
  CHECK(told);
}

TEST_CASE("stop_at ends training at the first point that reaches it") {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_in(folder, tiny_spec("softmax", {{"stop_at", 1e-9}, {"steps", std::int64_t{40}}, {"lr", 0.01}}), 1);
  CHECK(outcome.result.steps % 5 == 0);
  CHECK(outcome.result.steps < 40);
}

TEST_CASE("training learns: the loss falls well under that of guessing") {
  const TemporaryFolder folder;
  RunSpec spec =
      tiny_spec("softmax", {{"steps", std::int64_t{300}}, {"lr", 0.01}, {"batch", std::int64_t{32}}});
  const Outcome outcome = run_in(folder, spec, 2);
  CHECK(outcome.result.test.loss < 0.8 * std::log(20.0));  // 20 values
}

TEST_CASE("lengths beyond training are tests of their own, beside that of training") {
  const TemporaryFolder folder;
  const Outcome outcome = run_in(folder, tiny_spec("min_gru"), 1);
  std::vector<std::int64_t> lengths;
  for (const SettingMetrics& test : outcome.result.settings) {
    lengths.push_back(std::get<std::int64_t>(test.setting.at("length")));
    CHECK(test.metrics.labels > 0);
  }
  CHECK(lengths == std::vector<std::int64_t>{16, 32});
}

TEST_CASE("cost is measured: state bytes at each context, parameters, FLOPs") {
  const TemporaryFolder folder;
  const Cost cost = run_in(folder, tiny_spec("softmax"), 1).result.cost;
  // Two layers: keys and values of width 16, and the last three inputs of the convolution.
  CHECK(cost.state_bytes.at(8) == 2 * 4 * (2 * 8 * 16 + 3 * 16));
  CHECK(cost.state_bytes.at(16) == 2 * 4 * (2 * 16 * 16 + 3 * 16));
  CHECK(cost.parameters == 40 * 16 + 2 * (4 * 16 + 4 * 16 * 16 + 2 * 32 + 2 * 16 * 24 + 24 + 16) + 32);
  CHECK(cost.mixer_parameters == 2 * 4 * 16 * 16);
  // Matrices, three products each: mixer and feed-forward at every token, the head at the 3 labelled of 16; 7
  // products of attention over one tile of 16 x 16 that the 32-row tile is cut to.
  const double matrices = 6.0 * (2 * (4 * 16 * 16 + 2 * 16 * 24) + 3.0 / 16 * 40 * 16);
  const double attention = 2 * 7 * 2.0 * 16 * 16;
  CHECK(cost.flops_per_token == doctest::Approx(matrices + attention));
  CHECK(cost.peak_bytes > 4 * 4 * cost.parameters);
  CHECK_FALSE(cost.train_tokens_per_s.has_value());
}

TEST_CASE("speeds are medians of timings, each with the machine's own rate") {
  const TemporaryFolder folder;
  RunSpec spec = tiny_spec("linear");
  spec.measure = Options(measure_options(), {{"speed", true}, {"contexts", Integers{8}}}, "measure");
  const Cost cost = run_in(folder, spec, 1).result.cost;
  CHECK(cost.prefill_samples.size() == 2);
  const auto check = [](SpeedSamples samples, double tokens_per_s) {
    REQUIRE(samples.size() == 5);
    std::ranges::sort(samples, {}, &SpeedSample::tokens_per_s);
    CHECK(samples[2].tokens_per_s == doctest::Approx(tokens_per_s));
    for (const SpeedSample& sample : samples) CHECK(sample.gemm_gflops > 0);
  };
  check(cost.train_samples, cost.train_tokens_per_s.value());
  for (const std::int64_t context : {8, 16}) {
    check(cost.prefill_samples.at(context), cost.prefill_tokens_per_s.at(context));
    check(cost.decode_samples.at(context), 1e6 / cost.decode_us_per_token.at(context));
  }
}

TEST_CASE("the learning rate rises, then falls to zero or stays") {
  const auto train = [](const std::string& schedule) {
    return Options(train_options(),
                   {{"steps", std::int64_t{100}}, {"lr", 0.5}, {"warmup", 0.1}, {"schedule", schedule}},
                   "train");
  };
  CHECK(learning_rate(train("cosine"), 0) == doctest::Approx(0.05));
  CHECK(learning_rate(train("cosine"), 9) == doctest::Approx(0.5));
  CHECK(learning_rate(train("cosine"), 55) == doctest::Approx(0.25));
  CHECK(learning_rate(train("cosine"), 99) < 0.001);
  CHECK(learning_rate(train("constant"), 99) == 0.5);
}

TEST_CASE("what cannot work is refused before anything runs") {
  CHECK_THROWS_WITH_AS(check(tiny_spec("softmax", {{"batch", std::int64_t{4}}})),
                       doctest::Contains("got 8 lanes for a batch of 4"), Error);
  RunSpec heads = tiny_spec("softmax");
  heads.model.options = Options(model_options(), {{"width", std::int64_t{18}}}, "model");
  CHECK_THROWS_WITH_AS(check(heads), doctest::Contains("got 4 heads for a width of 18"), Error);
  RunSpec positions = tiny_spec("softmax");
  positions.model.options =
      Options(model_options(), {{"width", std::int64_t{16}}, {"position", std::string("learned")}}, "model");
  CHECK_THROWS_WITH_AS(check(positions), doctest::Contains("eval.lengths: 32 is longer than the 16"), Error);
}

}  // namespace
}  // namespace seqbench::test
