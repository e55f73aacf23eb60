// Adding up what positions and examples scored.
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "task/task.h"
#include "train/result.h"

namespace seqbench {

// What the model made of one label.
struct LabelScore {
  double loss = 0;  // nats
  bool correct = false;
};

// What several examples, or several labels, scored together.
struct ScoreSum {
  double loss = 0;
  double surprise = 0;  // of the source, over the labels for which it is known:
  std::int64_t surprises = 0;
  std::int64_t labels = 0;
  std::int64_t correct = 0;
  std::int64_t examples = 0;
  std::int64_t exact = 0;  // examples with every label right

  // `surprise` is negative where it is not known.
  void add(const LabelScore& score, double surprise);
  void add(const ScoreSum& other);
};

// The scores of examples as a whole and in slices. Addition in a fixed order gives the same bits.
class Tally {
 public:
  // `scores`: of every label, sample after sample.
  void add(std::span<const Sample> samples, const std::vector<LabelScore>& scores);
  void add(const Tally& other);

  const ScoreSum& all() const { return all_; }
  // Those of the samples; "length" when they differ in it, but for windows of a text and for lengths of which
  // fewer than 20 different sequences were drawn again and again (two bits are one of four strings); and,
  // where labels differ in them, "position" (tokens read up to the label's) and "distance", both in bands:
  // value v holds v/2 < x <= v, powers of two.
  Metrics metrics(const Task& task, Split split) const;

 private:
  void add(const Sample& sample, const LabelScore* scores);
  void note_sequence(std::int64_t length, std::uint64_t hash);
  bool is_repeated(std::int64_t length, std::int64_t examples) const;
  using Bands = std::array<ScoreSum, 64>;  // band i ends at 2^(i-1); band 0 is 0
  ScoreSum all_;
  Bands positions_, distances_;
  std::map<std::pair<std::string, std::int64_t>, ScoreSum> slices_;
  std::map<std::int64_t, std::set<std::uint64_t>>
      sequences_;  // hashes by length, of the first 20 different ones
};

// Without slices.
Metrics metrics_of(const ScoreSum& sum, const Task& task, Split split);

// Independent trials that an accuracy is taken to be a share of: see Metrics::accuracy_interval.
std::int64_t trials_of(const Metrics& metrics);

// 95% interval of a share of `count` trials (Wilson 1927): never of width zero, never outside [0, 1].
Interval wilson(double share, std::int64_t count);

}  // namespace seqbench
