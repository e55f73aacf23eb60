// Tasks whose examples are drawn, not read: what they all share.
#pragma once
#include <string>

#include "base/random.h"
#include "task/task.h"

namespace seqbench {

// A task that says how one example is drawn. The splits cannot meet: every sequence of tokens that can be
// drawn belongs to one split, by its hash (six eighths to train, one each to valid and test), and each split
// draws until it gets one of its own. Whose it is depends on neither seed nor options.
class GeneratedTask : public Task {
 public:
  std::int64_t examples(Split split) const final;
  Sample sample(Split split, std::int64_t index) const final;

 protected:
  // `options` include train_examples_option().
  GeneratedTask(std::string name, const Options& options, std::uint64_t seed);

  std::uint64_t seed() const { return seed_; }

 private:
  // One example, from nothing but `random`.
  virtual Sample draw(Random& random) const = 0;

  std::string name_;
  std::uint64_t seed_;
  std::int64_t train_examples_;
};

// "train_examples", an option of every generated task.
Option train_examples_option();

// "min_length", for tasks whose sequences differ in length; draw_length() draws one.
Option min_length_option(std::int64_t shortest = 0);
// Throws Error when min_length is above length.
void check_min_length(const Options& options);
// Uniform from options' min_length to length; always length when min_length is 0.
std::int64_t draw_length(Random& random, const Options& options);

// The split a sequence belongs to.
Split split_of(const std::vector<std::int32_t>& tokens);

// The place of `position` in an order of 0..count-1 that `key` fixes.
std::int64_t shuffled(std::uint64_t key, std::int64_t count, std::int64_t position);

}  // namespace seqbench
