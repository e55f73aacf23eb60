#include "autograd/tape.h"

#include <doctest/doctest.h>

#include "autograd/layout_ops.h"
#include "autograd/ops.h"
#include "autograd/parameters.h"
#include "autograd/state.h"
#include "autograd/token_ops.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Every operation on rows and their layout in one expression, some inputs used twice, so that sinks are
// overwritten and added to.
class Everything {
 public:
  Everything() {
    const ParameterScope scope(parameters_, "");
    for (const auto& [name, shape] : std::vector<std::pair<std::string, Shape>>{{"table", {9, 6}},
                                                                                {"positions", {4, 6}},
                                                                                {"w", {6, 6}},
                                                                                {"gain", {6}},
                                                                                {"bias", {6}},
                                                                                {"blocks", {2, 3, 3}}}) {
      scope.add(name, shape, {.mean = 0.3, .std = 0.8});
    }
    weights_ = parameters_.initial(5, DType::f64);
  }
  double loss(Gradients* gradients) {
    Arena arena;
    Tape tape(parameters_, weights_, gradients, arena);
    const Tensor table = tape.parameter(0);
    const Tensor positions = tape.parameter(1);
    const Tensor w = tape.parameter(2);
    const Tensor bias = tape.parameter(4);
    const Tensor x = embed(tape, kTokens, 2, table, &positions, 0);
    const Tensor a = bias_gelu(tape, matmul(tape, x, w), bias);
    const Tensor b = activate(tape, add_bias(tape, matmul(tape, a, w), bias), Activation::elu_plus_one);
    const Tensor c = moved(tape, multiply(tape, b, multiply_columns(tape, b, bias)));
    const Tensor d = block_diagonal(tape, add(tape, c, x), tape.parameter(5));
    const Tensor y = layer_norm(tape, add(tape, add(tape, d, b), b), tape.parameter(3), bias);
    Scores scores;
    score(tape, select_rows(tape, y, kRows), table, kLabels, scores);
    tape.backward();
    double sum = 0;
    for (const double loss : scores.loss) sum += loss;
    return sum;
  }
  Parameters parameters_;
  Buffer weights_;

 private:
  // x[2, 4, 6] with its tokens and its columns in another order, through a cache, and normed by halves.
  static Tensor moved(Tape& tape, const Tensor& x) {
    const Tensor tokens = concat_tokens(
        tape, {slice_tokens(tape, x, 3, 1), slice_tokens(tape, x, 0, 2), slice_tokens(tape, x, 1, 1)});
    const Tensor columns =
        concat_columns(tape, {slice_columns(tape, tokens, 2, 4), slice_columns(tape, tokens, 0, 2)});
    State state{.batch = 2};
    state.add("cache", {1, 2, 6}, DType::f64);
    TapeState on_tape = recorded(tape, state);
    append_tokens(tape, columns, on_tape.parts[0]);
    keep_tokens(tape, on_tape.parts[0], 2, 2);
    const Tensor halves = unit_norm(tape, reshape(on_tape.parts[0].value, {2, 4, 2, 3}), true, 1e-5);
    return unit_norm(tape, reshape(halves, {2, 4, 6}), false, 1e-5);
  }

  const std::vector<std::int32_t> kTokens = {1, 2, 2, 8, 0, 5, 1, 7};
  const std::vector<std::int32_t> kRows = {1, 3, 4, 6};
  const std::vector<std::int32_t> kLabels = {3, 0, 8, 2};
};

TEST_CASE("tape: gradients of every operation, through inputs used twice, match finite differences in f64") {
  Everything net;
  Gradients gradients(net.parameters_, DType::f64);
  net.loss(&gradients);
  for (const Parameter& parameter : net.parameters_.all()) {
    CAPTURE(parameter.name);
    std::vector<double> exact;
    std::vector<double> numeric;
    for (std::int64_t i = 0; i < parameter.size(); ++i) {
      double& weight = net.weights_.as<double>()[parameter.offset + i];
      std::vector<double> element = {weight};
      numeric.push_back(numeric_gradient(element, [&] {
        weight = element[0];
        return net.loss(nullptr);
      })[0]);
      weight = element[0];
      exact.push_back(gradients.values().as<double>()[parameter.offset + i]);
    }
    REQUIRE(norm(exact) > 1e-3);
    CHECK(max_error(exact, numeric) < 1e-7);
  }
}

TEST_CASE("tape: two passes into one lane add up, and what no pass reached is zero") {
  Everything net;
  const int unused = net.parameters_.add("unused", {3}, {.mean = 1});
  net.weights_ = net.parameters_.initial(5, DType::f64);
  Gradients once(net.parameters_, DType::f64);
  net.loss(&once);
  Gradients twice(net.parameters_, DType::f64);
  twice.values().as<double>()[net.parameters_[unused].offset] = 7;  // left from a step before
  twice.forget();
  net.loss(&twice);
  net.loss(&twice);
  twice.clear_unwritten();
  for (std::int64_t i = 0; i < net.parameters_[unused].offset; ++i) {
    CHECK(twice.values().as<double>()[i] == doctest::Approx(2 * once.values().as<double>()[i]));
  }
  CHECK(twice.values().as<double>()[net.parameters_[unused].offset] == 0);
}

TEST_CASE("state: a cache keeps its first and its last tokens, in place as on a tape that records") {
  const Parameters parameters;
  const Buffer none;
  Gradients gradients(parameters, DType::f32);
  Arena arena;
  Tape decoding(parameters, none, nullptr, arena);
  Tape recording(parameters, none, &gradients, arena);
  State state{.batch = 2};
  state.add("cache", {0, 2, 3}, DType::f32);
  TapeState here = in_place(state);
  TapeState there = recorded(recording, state);
  std::vector<float> expected;  // of sequence 0: tokens 0, 1, then the last three of seven
  for (const std::int64_t count : {4, 1, 2}) {
    const Tensor x = decoding.make({2, count, 3});
    const auto numbers = random_vector<float>(x.shape.size(), static_cast<std::uint64_t>(count));
    std::ranges::copy(numbers, x.as<float>());
    expected.insert(expected.end(), numbers.begin(), numbers.begin() + count * 3);
    append_tokens(decoding, x, here.parts[0]);
    append_tokens(recording, x, there.parts[0]);
    keep_tokens(decoding, here.parts[0], 2, 3);
    keep_tokens(recording, there.parts[0], 2, 3);
  }
  put_back(here, state);
  CHECK(state.parts[0].shape == Shape{5, 2, 3});
  CHECK(state.bytes() == 5 * 2 * 3 * 4);
  CHECK(there.parts[0].value.shape == Shape{5, 2, 3});
  for (std::int64_t slot = 0; slot < 5; ++slot) {
    const std::int64_t token = slot < 2 ? slot : slot + 2;
    for (std::int64_t c = 0; c < 3; ++c) {
      const float want = expected[static_cast<std::size_t>(token * 3 + c)];
      CHECK(state.parts[0].values.as<float>()[slot * 6 + c] == want);
      CHECK(there.parts[0].value.as<float>()[slot * 6 + c] == want);
    }
  }
}

}  // namespace
}  // namespace seqbench::test
