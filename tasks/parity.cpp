// Parity of a string of bits: the simplest regular language whose state a reader must keep, and cannot sum up
// from counts of what it sees without a carry (Deletang et al. 2022, arXiv 2207.02098; with lengths 3 to 40
// and one answer at the end in Beck et al. 2024, "xLSTM", arXiv 2405.04517).
//
//   tokens   1 0 1 1 0
//   answer           1      `answers` last: after the last bit;  every: 1 1 0 1 1, after each
#include "task/generated.h"

namespace seqbench {
namespace {

class Parity : public GeneratedTask {
 public:
  Parity(const Options& options, std::uint64_t seed)
      : GeneratedTask("parity", options, seed),
        options_(options),
        every_(options.text("answers") == "every") {}

  std::int64_t vocab_size() const override { return 2; }
  std::int64_t length() const override { return options_.integer("length"); }
  Chance chance() const override { return {.uniform = 0.5}; }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels;
    std::int32_t ones = 0;
    for (const std::int32_t bit : tokens) labels.push_back((ones += bit) % 2);
    return labels;
  }

 private:
  Sample draw(Random& random) const override {
    Sample sample;
    bool odd = false;
    for (std::int64_t left = draw_length(random, options_); left > 0; --left) {
      const auto bit = static_cast<std::int32_t>(random.below(2));
      odd ^= bit == 1;
      sample.tokens.push_back(bit);
      sample.labels.push_back(every_ || left == 1 ? static_cast<std::int32_t>(odd) : kIgnore);
    }
    return sample;
  }

  Options options_;
  bool every_;
};

}  // namespace

void register_parity(TaskRegistry& registry) {
  registry.add({
      .name = "parity",
      .summary = "a string of bits: is the number of ones odd?",
      .source = "Deletang et al. 2022, arXiv 2207.02098; lengths as in Beck et al. 2024, arXiv 2405.04517",
      .options =
          {
              Option::integer("length", 40, {1, 1 << 20}, "bits in the longest string"),
              min_length_option(3),
              Option::choice("answers", "last", {"last", "every"},
                             "asked after the last bit, as published, or after every bit"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check_min_length(options);
        return std::make_unique<Parity>(options, seed);
      },
  });
}

}  // namespace seqbench
