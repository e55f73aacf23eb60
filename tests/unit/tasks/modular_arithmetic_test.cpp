#include <algorithm>

#include "unit/tasks/chi_square.h"
#include "unit/tasks/make_task.h"

namespace seqbench {
namespace {

Value whole(std::int64_t value) { return value; }

// Products first, then sums, on a copy of the expression.
std::int64_t value_of(const std::vector<std::int32_t>& tokens, std::int64_t modulus) {
  std::vector<std::int64_t> terms = {tokens[0]};
  for (std::size_t t = 1; t + 1 < tokens.size(); t += 2) {
    const std::int64_t op = tokens[t] - modulus;
    const std::int64_t operand = tokens[t + 1];
    if (op == 2) {
      terms.back() = terms.back() * operand % modulus;
    } else {
      terms.push_back(op == 0 ? operand : (modulus - operand) % modulus);
    }
  }
  return std::accumulate(terms.begin(), terms.end(), std::int64_t{0}) % modulus;
}

TEST_CASE("modular_arithmetic: operands and operators in turn, the value after =") {
  for (const std::int64_t modulus : {2, 5, 7}) {
    const auto task = make_task("modular_arithmetic", {{"modulus", whole(modulus)}});
    std::vector<std::int64_t> lengths(19), operators(3);
    for (std::int64_t i = 0; i < 5000; ++i) {
      const Sample sample = task->sample(Split::train, i);
      REQUIRE(sample.tokens.size() % 2 == 0);
      REQUIRE((sample.tokens.size() >= 4 && sample.tokens.size() <= 40));
      ++lengths[sample.tokens.size() / 2 - 2];
      for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
        CHECK((sample.tokens[t] < modulus) == (t % 2 == 0));
        if (t % 2 == 1 && t + 1 < sample.tokens.size()) ++operators.at(sample.tokens[t] - modulus);
        CHECK((sample.labels[t] == kIgnore) == (t + 1 < sample.tokens.size()));
      }
      CHECK(sample.tokens.back() == modulus + 3);
      CHECK(sample.labels.back() == value_of(sample.tokens, modulus));
    }
    CHECK(fits(operators, std::vector<double>(3, 1.0 / 3)));
    // Of the few short expressions the training split may have more or fewer than their share.
    lengths.erase(lengths.begin(), lengths.begin() + 5);
    CHECK(fits(lengths, std::vector<double>(14, 1.0 / 14)));
  }
}

TEST_CASE("modular_arithmetic: odd lengths are refused; known values") {
  CHECK(contains(refusal("modular_arithmetic", {{"length", whole(41)}}),
                 "task.length: expected an even number"));
  CHECK(contains(refusal("modular_arithmetic", {{"min_length", whole(3)}}),
                 "task.min_length: expected an even number"));
  const auto task = make_task("modular_arithmetic", {});
  CHECK(task->oracle({3, 5, 4, 7, 2, 6, 1, 8}).value().back() == 0);  // 3 + 4 * 2 - 1 = 10
  CHECK(task->oracle({0, 6, 4, 7, 4, 8}).value().back() == 4);        // 0 - 16
}

}  // namespace
}  // namespace seqbench
