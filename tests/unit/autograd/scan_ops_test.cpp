#include "autograd/scan_ops.h"

#include <algorithm>

#include "autograd/ops.h"
#include "autograd/parameters.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

TEST_CASE("scan operations: inputs that other operations use too get all of their gradient") {
  const Parameters parameters;
  const Buffer none(0, DType::f64);
  Gradients gradients(parameters, DType::f64);
  auto x = random_vector<double>(2 * 5 * 3, 1);
  const auto dy = random_vector<double>(2 * 5 * 3, 2);
  std::vector<double> dx;
  const auto loss = [&] {
    Arena arena;
    Tape tape(parameters, none, &gradients, arena);
    const Tensor a = tape.make({2, 5, 3});
    std::ranges::copy(x, a.as<double>());
    const Tensor h = gated_scan(tape, a, a, Candidate::positive, ScanOrder::sequential, nullptr);
    const Tensor odds = log_odds(tape, h, multiply(tape, a, a));
    const Tensor out = add(tape, multiply(tape, log_odds(tape, a, odds), log_odds(tape, odds, a)), h);
    std::ranges::copy(dy, tape.sink<double>(out).data);
    const double sum = dot({out.as<double>(), out.as<double>() + dy.size()}, dy);
    tape.backward();
    dx.assign(tape.gradient<double>(a), tape.gradient<double>(a) + x.size());
    return sum;
  };
  loss();
  const std::vector<double> exact = dx;
  CHECK(max_error(exact, numeric_gradient(x, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
