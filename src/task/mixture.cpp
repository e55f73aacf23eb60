#include "task/mixture.h"

#include <algorithm>
#include <stdexcept>

#include "base/error.h"
#include "base/random.h"
#include "task/generated.h"

namespace seqbench {
namespace {

class Mixture : public Task {
 public:
  Mixture(std::vector<MixturePart> parts, std::uint64_t seed) : parts_(std::move(parts)), seed_(seed) {
    for (const MixturePart& part : parts_) {
      weights_ += part.weight;
      train_examples_ += part.task->examples(Split::train);
    }
  }

  std::int64_t vocab_size() const override { return parts_[0].task->vocab_size(); }
  std::int64_t length() const override {
    std::int64_t longest = 0;
    for (const MixturePart& part : parts_) longest = std::max(longest, part.task->length());
    return longest;
  }
  Chance chance() const override {
    return {.uniform = mean([](const Chance& c) { return std::optional(c.uniform); }).value(),
            .in_context = mean([](const Chance& c) { return c.in_context; }),
            .exact = mean([](const Chance& c) { return c.exact; })};
  }
  std::int64_t examples(Split split) const override { return split == Split::train ? train_examples_ : 0; }
  std::string spelled(std::int32_t token) const override { return parts_[0].task->spelled(token); }

  Sample sample(Split split, std::int64_t index) const override {
    if (index < 0) throw std::out_of_range("mixture: the index of an example is negative");
    if (split == Split::train && train_examples_ > 0) return of_fixed_sets(index);
    Random random(seed_, std::string("mixture.") + name_of(split), static_cast<std::uint64_t>(index));
    double place = random.uniform() * weights_;
    std::size_t i = 0;
    while (i + 1 < parts_.size() && place >= parts_[i].weight) place -= parts_[i++].weight;
    return parts_[i].task->sample(split, index);
  }

  // Which part a sequence is of cannot be told from its tokens.
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
    return {};
  }

 private:
  Sample of_fixed_sets(std::int64_t index) const {
    const std::int64_t epoch = index / train_examples_;
    Random random(seed_, "mixture.epoch", static_cast<std::uint64_t>(epoch));
    std::int64_t place =
        shuffled(random.below(std::uint64_t{1} << 63), train_examples_, index % train_examples_);
    std::size_t i = 0;
    while (place >= parts_[i].task->examples(Split::train)) place -= parts_[i++].task->examples(Split::train);
    return parts_[i].task->sample(Split::train, epoch * parts_[i].task->examples(Split::train) + place);
  }

  // None when any part has none.
  template <class Get>
  std::optional<double> mean(const Get& get) const {
    double sum = 0;
    for (const MixturePart& part : parts_) {
      const std::optional<double> value = get(part.task->chance());
      if (!value) return std::nullopt;
      sum += part.weight / weights_ * *value;
    }
    return sum;
  }

  std::vector<MixturePart> parts_;
  std::uint64_t seed_;
  double weights_ = 0;
  std::int64_t train_examples_ = 0;
};

}  // namespace

std::unique_ptr<Task> mixture(std::vector<MixturePart> parts, std::uint64_t seed, const std::string& path) {
  const Task& first = *parts[0].task;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Task& task = *parts[i].task;
    fail_if(task.vocab_size() != first.vocab_size(),
            "{}[{}]: has a vocabulary of {} tokens, and {}[0] one of {}; expected the same in all.", path, i,
            task.vocab_size(), path, first.vocab_size());
    fail_if(task.examples(Split::valid) != 0,
            "{}[{}]: this task has a fixed number of held-out examples, and cannot be mixed; give it more "
            "files instead.",
            path, i);
    fail_if((task.examples(Split::train) > 0) != (first.examples(Split::train) > 0),
            "{}[{}].train_examples: expected a fixed set in all parts or in none.", path, i);
    // Where sets are fixed they say how much there is of each.
    if (task.examples(Split::train) > 0) parts[i].weight = static_cast<double>(task.examples(Split::train));
  }
  return std::make_unique<Mixture>(std::move(parts), seed);
}

}  // namespace seqbench
