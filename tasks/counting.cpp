// A counter that goes up and down (counter languages: Weiss et al. 2018, arXiv 1805.04908; Suzgun et al.
// 2019, arXiv 1906.03648): where does it stand? The walk never leaves 0..most, so that there are most + 1
// answers, all equally frequent at the end of a sequence of any length.
//
//   tokens   + + . - + - -        + one more, - one less, . the same
//   answer               0        `answers` last: after the last token;  every: 1 2 2 1 2 1 0
#include "base/error.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class Counting : public GeneratedTask {
 public:
  Counting(const Options& options, std::uint64_t seed)
      : GeneratedTask("counting", options, seed),
        options_(options),
        most_(static_cast<std::int32_t>(options.integer("most"))),
        every_(options.text("answers") == "every") {}

  // Numbers are answers and never read; the three moves come after them.
  std::int64_t vocab_size() const override { return most_ + 4; }
  std::int64_t length() const override { return options_.integer("length"); }
  Chance chance() const override { return {.uniform = 1.0 / (most_ + 1)}; }
  std::string spelled(std::int32_t token) const override {
    return token <= most_ ? std::to_string(token) : std::string(1, "+-."[token - up()]);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels;
    std::int32_t value = 0;
    for (const std::int32_t token : tokens) labels.push_back(value += (token == up()) - (token == down()));
    return labels;
  }

 private:
  std::int32_t up() const { return most_ + 1; }
  std::int32_t down() const { return most_ + 2; }
  std::int32_t stay() const { return most_ + 3; }

  // The counter is uniform on 0..most from step `most` on, whatever the length: Polya's urn makes it uniform
  // on 0..t after t steps, and the symmetric walk that follows keeps it so: at either end the move that would
  // leave becomes a stay.
  Sample draw(Random& random) const override {
    Sample sample;
    std::int32_t value = 0;
    const std::int64_t length = draw_length(random, options_);
    for (std::int64_t step = 0; step < length; ++step) {
      const std::int32_t token = step < most_ ? urn(random, step, value) : walk(random, value);
      value += (token == up() ? 1 : 0) - (token == down() ? 1 : 0);
      sample.tokens.push_back(token);
      sample.labels.push_back(every_ || step + 1 == length ? value : kIgnore);
    }
    return sample;
  }

  std::int32_t urn(Random& random, std::int64_t step, std::int32_t value) const {
    const auto drawn = static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(step + 2)));
    return drawn <= value ? up() : stay();
  }

  std::int32_t walk(Random& random, std::int32_t value) const {
    const std::int32_t token = up() + static_cast<std::int32_t>(random.below(3));
    const bool leaves = (token == up() && value == most_) || (token == down() && value == 0);
    return leaves ? stay() : token;
  }

  Options options_;
  std::int32_t most_;
  bool every_;
};

void check(const Options& options) {
  check_min_length(options);
  const char* shortest = options.integer("min_length") > 0 ? "min_length" : "length";
  fail_if(options.integer(shortest) < options.integer("most"),
          "task.{}: expected at least task.most {}, for the counter to get there, got {}.", shortest,
          options.integer("most"), options.integer(shortest));
}

}  // namespace

void register_counting(TaskRegistry& registry) {
  registry.add({
      .name = "counting",
      .summary = "a counter goes up and down: where does it stand?",
      .source =
          "counter languages: Weiss et al. 2018, arXiv 1805.04908; Suzgun et al. 2019, arXiv 1906.03648",
      .version = 2,
      .options =
          {
              Option::integer("length", 40, {1, 1 << 20}, "tokens in the longest sequence"),
              min_length_option(8),
              Option::integer("most", 4, {1, 1 << 20}, "the counter stays from 0 to this"),
              Option::choice("answers", "last", {"last", "every"},
                             "asked after the last token, or after every one"),
              train_examples_option(),
          },
      .make = [](const Options& options, std::uint64_t seed) -> std::unique_ptr<Task> {
        check(options);
        return std::make_unique<Counting>(options, seed);
      },
  });
}

}  // namespace seqbench
