// Arithmetic modulo a small number, without brackets, * before + and - (Deletang et al. 2022, arXiv
// 2207.02098, which trains at lengths to 40 and tests to 500).
//
//   tokens   3 + 4 * 2 - 1 =        modulo 5
//   answer                 0
#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class ModularArithmetic : public GeneratedTask {
 public:
  ModularArithmetic(const Options& options, std::uint64_t seed)
      : GeneratedTask("modular_arithmetic", options, seed),
        options_(options),
        modulus_(static_cast<std::int32_t>(options.integer("modulus"))) {}

  std::int64_t vocab_size() const override { return modulus_ + 4; }
  std::int64_t length() const override { return options_.integer("length"); }
  Chance chance() const override { return {.uniform = 1.0 / modulus_}; }
  std::string spelled(std::int32_t token) const override {
    if (token < modulus_) return std::to_string(token);
    return std::string(1, "+-*="[token - modulus_]);
  }

  // From right to left: what a term's factors come to is added when its sign is read.
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::int64_t sum = 0;
    std::int64_t product = 1;
    for (auto token = tokens.rbegin() + 1; token != tokens.rend(); ++token) {
      if (*token < modulus_) product = product * *token % modulus_;
      if (*token == plus() || *token == plus() + 1) {
        sum += *token == plus() ? product : modulus_ - product;
        product = 1;
      }
    }
    std::vector<std::int32_t> labels(tokens.size() - 1, kIgnore);
    labels.push_back(static_cast<std::int32_t>((sum + product) % modulus_));
    return labels;
  }

 private:
  std::int32_t plus() const { return modulus_; }  // then minus, times, equals
  std::int32_t digit(Random& random) const {
    return static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(modulus_)));
  }

  // Of an operand and an operator, or =.
  std::int64_t draw_pairs(Random& random) const {
    const std::int64_t most = options_.integer("length") / 2;
    const std::int64_t least = options_.integer("min_length") / 2;
    if (least == 0) return most;
    return least + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(most - least + 1)));
  }

  Sample draw(Random& random) const override {
    const std::int64_t pairs = draw_pairs(random);
    Sample sample{.tokens = std::vector<std::int32_t>(1, digit(random)),
                  .labels = std::vector<std::int32_t>(static_cast<std::size_t>(2 * pairs), kIgnore)};
    std::int64_t sum = 0;                  // of the terms that have ended
    std::int64_t term = sample.tokens[0];  // the one that has not, with its sign
    for (std::int64_t i = 1; i < pairs; ++i) {
      const auto op = static_cast<std::int32_t>(random.below(3));
      const std::int32_t operand = digit(random);
      if (op == 2) {
        term = term * operand % modulus_;
      } else {
        sum += term;
        term = op == 0 ? operand : -operand;
      }
      sample.tokens.push_back(plus() + op);
      sample.tokens.push_back(operand);
    }
    sample.tokens.push_back(plus() + 3);
    sample.labels.back() = static_cast<std::int32_t>(((sum + term) % modulus_ + modulus_) % modulus_);
    return sample;
  }

  Options options_;
  std::int32_t modulus_;
};

}  // namespace

void register_modular_arithmetic(TaskRegistry& registry) {
  registry.add({
      .name = "modular_arithmetic",
      .summary = "the value of an expression of + - * modulo a small number",
      .source = "Deletang et al. 2022, arXiv 2207.02098, \"modular arithmetic (simple)\"",
      .options =
          {
              Option::integer(
                  "length", 40, {2, 1 << 20},
                  "tokens in the longest expression, its = included; expressions have an even number"),
              min_length_option(4),
              Option::integer("modulus", 5, {2, 1024}, "digits are 0 to modulus - 1"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check_min_length(options);
        for (const char* name : {"length", "min_length"}) {
          fail_if(options.integer(name) % 2 != 0,
                  "task.{}: expected an even number (operands, operators and =), got {}.", name,
                  options.integer(name));
        }
        return std::make_unique<ModularArithmetic>(options, seed);
      },
  });
}

}  // namespace seqbench
