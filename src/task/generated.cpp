#include "task/generated.h"

#include <cmath>
#include <stdexcept>
#include <utility>

#include "base/error.h"

namespace seqbench {
namespace {

// A split that has one sequence in a hundred is still found: (1 - 1/800)^20000 is 1e-11.
constexpr int kAttempts = 20000;

}  // namespace

Split split_of(const std::vector<std::int32_t>& tokens) {
  const std::string_view bytes(reinterpret_cast<const char*>(tokens.data()),
                               tokens.size() * sizeof(tokens[0]));
  // Not the hash itself: its lowest bit is the parity of the tokens, which is what a task may ask for.
  const std::uint64_t part = Random(hash_of(bytes), "split").below(8);
  return part == 0 ? Split::valid : part == 1 ? Split::test : Split::train;
}

// Feistel rounds on the two digits of a number in base ceil(sqrt(count)), repeated while the result is not
// below count (twice at most, on average): no order is stored. With few examples four rounds still favour
// some orders (a chi-square over 3000 epochs of 9 shows it), six do not; eight leave a margin.
std::int64_t shuffled(std::uint64_t key, std::int64_t count, std::int64_t position) {
  constexpr std::uint64_t kRounds = 8;
  auto side = static_cast<std::uint64_t>(std::sqrt(static_cast<double>(count)));
  while (side * side < static_cast<std::uint64_t>(count)) ++side;
  auto place = static_cast<std::uint64_t>(position);
  do {
    std::uint64_t left = place / side;
    std::uint64_t right = place % side;
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const std::uint64_t moved = Random(key, "order", right * kRounds + round).below(side);
      left = std::exchange(right, (left + moved) % side);
    }
    place = left * side + right;
  } while (place >= static_cast<std::uint64_t>(count));
  return static_cast<std::int64_t>(place);
}

Option train_examples_option() {
  return Option::integer(
      "train_examples", 0, {0, static_cast<double>(std::int64_t{1} << 40)},
      "0: a fresh example each time; N: a fixed set of N, each epoch in an order of its own");
}

Option min_length_option(std::int64_t shortest) {
  return Option::integer("min_length", shortest, {0, 1 << 20},
                         "shortest sequence, lengths being uniform from it to length; 0 = all have length");
}

void check_min_length(const Options& options) {
  fail_if(options.integer("min_length") > options.integer("length"),
          "task.min_length: expected at most task.length {}, got {}.", options.integer("length"),
          options.integer("min_length"));
}

std::int64_t draw_length(Random& random, const Options& options) {
  const std::int64_t longest = options.integer("length");
  const std::int64_t shortest = options.integer("min_length");
  if (shortest == 0) return longest;
  return shortest +
         static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(longest - shortest + 1)));
}

GeneratedTask::GeneratedTask(std::string name, const Options& options, std::uint64_t seed)
    : name_(std::move(name)), seed_(seed), train_examples_(options.integer("train_examples")) {}

std::int64_t GeneratedTask::examples(Split split) const {
  return split == Split::train ? train_examples_ : 0;
}

Sample GeneratedTask::sample(Split split, std::int64_t index) const {
  if (index < 0) throw std::out_of_range(name_ + ": the index of an example is negative");
  if (split == Split::train && train_examples_ > 0) {
    Random epoch(seed_, name_ + ".epoch", static_cast<std::uint64_t>(index / train_examples_));
    const std::uint64_t high = epoch.next();
    index = shuffled((high << 32) | epoch.next(), train_examples_, index % train_examples_);
  }
  Random random(seed_, name_ + "." + name_of(split), static_cast<std::uint64_t>(index));
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    Sample drawn = draw(random);
    if (split_of(drawn.tokens) == split) return drawn;
  }
  fail(
      "task {}: no sequence for {} in {} drawn ones: there are too few different sequences to keep training, "
      "validation "
      "and test apart; make them longer, or the vocabulary larger.",
      name_, name_of(split), kAttempts);
}

}  // namespace seqbench
