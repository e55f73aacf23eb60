#include "autograd/tape.h"

#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "autograd/parameters.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

// Every operation of ops.h in one expression, some inputs used twice, so that sinks are overwritten and added
// to.
class Everything {
 public:
  Everything() {
    const ParameterScope scope(parameters_, "");
    for (const auto& [name, shape] : std::vector<std::pair<std::string, Shape>>{
             {"table", {9, 6}}, {"positions", {4, 6}}, {"w", {6, 6}}, {"gain", {6}}, {"bias", {6}}}) {
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
    const Tensor b = elu_plus_one(tape, add_bias(tape, matmul(tape, a, w), bias));
    const Tensor y = layer_norm(tape, add(tape, add(tape, x, b), b), tape.parameter(3), bias);
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

}  // namespace
}  // namespace seqbench::test
