// What passes of a model cost by the length of a sequence: run at lengths that are quick, carried on to
// others.
#pragma once
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "base/stop.h"
#include "model/language_model.h"
#include "task/task.h"
#include "train/batch.h"

namespace seqbench {

// A figure that grows with a length n, through two known points: a n + b n^2 with a and b not negative, so
// that a figure with a constant part comes out high beyond the points.
struct Growth {
  double a = 0;
  double b = 0;
  double operator()(double n) const { return n * (a + b * n); }
};
Growth growth(double n1, double at1, double n2, double at2);

struct PassCost {
  double flops = 0;
  double bytes = 0;  // of the worker's arena at its fullest
};

// Passes over as many sequences as go through the model at once (batch.h), of random tokens, as densely
// labelled as those of the task. Everything throws what `stop` throws; references must outlive it.
class Passes {
 public:
  enum class Kind { train, score };
  Passes(const LanguageModel& model, const Buffer& weights, const Task& task, const Stop& stop);

  // Of at most `most` sequences. Where a pass is more than a second's work or so, fewer rows are run, and
  // their cost is carried on.
  PassCost at_once(Kind kind, std::int64_t length, std::int64_t most);
  double flops_of_one(Kind kind, std::int64_t length);
  // Seconds that `workers` side by side take per FLOP of theirs together, at that length or the longest that
  // is quick: the median of up to five passes of each, fewer when they take more than `seconds` together.
  double seconds_per_flop(Kind kind, std::int64_t length, int workers, double seconds);

 private:
  PassCost run(Kind kind, std::int64_t sequences, std::int64_t length, Arena& arena) const;
  const PassCost& ran(Kind kind, std::int64_t sequences, std::int64_t length);
  std::int64_t quick_sequences(std::int64_t length, std::int64_t wanted) const;

  const LanguageModel& model_;
  const Buffer& weights_;
  Stop stop_;
  std::int64_t vocab_size_;
  double label_share_ = 0;
  std::int64_t quick_rows_ = 0;
  std::map<std::pair<Kind, std::pair<std::int64_t, std::int64_t>>, PassCost> ran_;
  std::map<std::tuple<Kind, std::int64_t, int>, double> rates_;
};

// One sequence read piece by piece, as measuring reads it, as far as that is quick or `longest` goes.
class Reading {
 public:
  Reading(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size, std::int64_t longest,
          double seconds, const Stop& stop);
  double seconds(double context) const;        // of reading all of it
  double token_seconds(double context) const;  // of one more token
  double bytes(double context) const;          // of tokens, state and arena, at their fullest

 private:
  double read_ = 0;  // tokens
  Growth seconds_;
  double token_seconds_ = 0;
  double token_growth_ = 0;  // of the work that a token is, from read_ on, as a share per token
  double state_ = 0, state_growth_ = 0;
  double arena_ = 0, arena_growth_ = 0;
};

}  // namespace seqbench
