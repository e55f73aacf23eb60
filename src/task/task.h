// A task: where tokens and labels come from, and what a score on them means.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/options.h"
#include "task/tokenizer.h"

namespace seqbench {

enum class Split { train, valid, test };
const char* name_of(Split split);  // "train", "valid", "test"

constexpr std::int32_t kIgnore = -1;  // the label of a position that is not scored

// The examples that share `value` of `by` (pairs, depth, ...) are also scored on their own. Not for "length"
// and "position", which are counted for every task.
struct Slice {
  std::string by;
  std::int64_t value = 0;
};

// One sequence. labels[t] is the token to predict after reading tokens[0..t], or kIgnore; both have the same
// length, which is at most the task's.
struct Sample {
  std::vector<std::int32_t> tokens;
  std::vector<std::int32_t> labels;
  std::vector<Slice> slices = {};
  // distances[t]: how many tokens before t the one stands that decides labels[t]; of several showings the
  // last, but not one that only answers as t is to answer. Scores are also given by it. Read only where there
  // is a label. Empty: no token decides alone.
  std::vector<std::int32_t> distances = {};
  // surprise[t]: -log p(labels[t] | tokens[0..t]) in nats under the source the sequence was drawn from: the
  // loss of a model that knows it. Read only where there is a label. Empty: not known.
  std::vector<float> surprise = {};
};

// What guessing scores: uniformly over every answer that can occur; uniformly over the answers that stand in
// the sequence itself (what a model reaches that has learned what an answer looks like, but not to look it
// up); and for a whole example right, where that is not the same.
struct Chance {
  double uniform = 0;
  std::optional<double> in_context = {};
  std::optional<double> exact = {};
};

class Task {
 public:
  virtual ~Task() = default;
  virtual std::int64_t vocab_size() const = 0;
  virtual std::int64_t length() const = 0;  // of the longest sample, in tokens
  virtual Chance chance() const = 0;
  // How many different examples a split has; 0 when it has as many as anyone asks for.
  virtual std::int64_t examples(Split split) const = 0;
  // A pure function of the task's options and seed, split and index (index >= 0; where examples(split) > 0,
  // an index beyond it wraps round in train and is an error elsewhere). May be called from several threads.
  virtual Sample sample(Split split, std::int64_t index) const = 0;
  // The labels an ideal reader of `tokens` gives: right at every labelled position, anything elsewhere. None
  // where no such reader exists (a text, a random source).
  virtual std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const = 0;
  // A token as a person reads it, in few characters: "k12", "v3", ".".
  virtual std::string spelled(std::int32_t token) const { return std::to_string(token); }
  // Changes with whatever the task reads besides its options (files). Part of a run's id, so that a result of
  // other data is never taken for this one's.
  virtual std::uint64_t data_id() const { return 0; }
  // Where tokens are text: how to make them of it. Null elsewhere.
  virtual const Tokenizer* tokenizer() const { return nullptr; }
  // Where tokens are text: bytes a label of that split stands for, on average.
  virtual double bytes_per_label(Split) const { return 1; }
};

// What the registry holds of a task. `version` goes up when its scores could change. `make` throws Error for
// options that do not fit each other. An option named "length" must exist: eval.lengths sets it, and
// "min_length" with it where there is one.
struct TaskEntry {
  std::string name;
  std::string summary;  // one line
  std::string source;   // paper or code it follows
  int version = 1;
  OptionList options;
  std::function<std::unique_ptr<Task>(const Options& options, std::uint64_t seed)> make;
};

class TaskRegistry {
 public:
  void add(TaskEntry entry);
  const std::vector<TaskEntry>& all() const { return entries_; }
  // Throws Error with the nearest name; `path` is where the name was given.
  const TaskEntry& find(const std::string& name, const std::string& path) const;

 private:
  std::vector<TaskEntry> entries_;
};

// Every task of the folder tasks/ (and of SEQBENCH_EXTRA_TASKS), in the order of their names.
const TaskRegistry& tasks();

}  // namespace seqbench
