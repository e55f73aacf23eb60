#include "task/copying.h"

#include <cmath>

#include "base/error.h"

namespace seqbench {
namespace {

class Copying : public GeneratedTask {
 public:
  Copying(const char* name, const Options& options, std::uint64_t seed, DrawPlaces places)
      : GeneratedTask(name, options, seed),
        vocab_size_(options.integer("vocab_size")),
        symbols_(options.integer("symbols")),
        length_(options.integer("length")),
        places_(places) {}

  std::int64_t vocab_size() const override { return vocab_size_; }
  std::int64_t length() const override { return length_; }
  Chance chance() const override {
    const double uniform = 1.0 / static_cast<double>(vocab_size_ - 2);
    const double right_slot =
        1.0 / static_cast<double>(symbols_);  // for who knows the symbols, not their order
    return {.uniform = uniform,
            .in_context = right_slot + (1 - right_slot) * uniform,
            .exact = std::pow(uniform, static_cast<double>(symbols_))};
  }
  std::string spelled(std::int32_t token) const override {
    return token == blank() ? "." : token == mark() ? "MARK" : std::to_string(token);
  }

  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    std::vector<std::int32_t> labels(tokens.size(), kIgnore);
    std::size_t slot = tokens.size() - static_cast<std::size_t>(symbols_);
    for (const std::int32_t token : tokens) {
      if (token < blank()) labels[slot++] = token;
    }
    return labels;
  }

 private:
  std::int32_t blank() const { return static_cast<std::int32_t>(vocab_size_ - 2); }
  std::int32_t mark() const { return static_cast<std::int32_t>(vocab_size_ - 1); }

  Sample draw(Random& random) const override {
    const auto size = static_cast<std::size_t>(length_);
    Sample sample{.tokens = std::vector<std::int32_t>(size, blank()),
                  .labels = std::vector<std::int32_t>(size, kIgnore),
                  .distances = std::vector<std::int32_t>(size, 0)};
    std::int64_t slot = length_ - symbols_;
    sample.tokens[slot] = mark();
    for (const std::int64_t place : places_(random, symbols_, length_ - symbols_)) {
      const auto symbol = static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(blank())));
      sample.tokens[place] = symbol;
      sample.labels[slot] = symbol;
      sample.distances[slot] = static_cast<std::int32_t>(slot - place);
      ++slot;
    }
    return sample;
  }

  std::int64_t vocab_size_, symbols_, length_;
  DrawPlaces places_;
};

}  // namespace

std::unique_ptr<Task> copying_task(const char* name, const Options& options, std::uint64_t seed,
                                   DrawPlaces places) {
  const std::int64_t length = options.integer("length");
  const std::int64_t symbols = options.integer("symbols");
  fail_if(2 * symbols > length,
          "task.symbols: {} do not fit task.length {}: they stand in it twice. At most {} fit; lower "
          "task.symbols, or raise "
          "task.length.",
          symbols, length, length / 2);
  return std::make_unique<Copying>(name, options, seed, places);
}

OptionList copying_options(std::int64_t length) {
  return {Option::integer("vocab_size", 16, {4, 1 << 24}, "tokens; the last two are the blank and the mark"),
          Option::integer("symbols", 16, {1, 1 << 19}, "to copy; 2 * symbols <= length"),
          Option::integer("length", length, {2, 1 << 20}, "tokens in a sequence, answer slots included"),
          train_examples_option()};
}

}  // namespace seqbench
