// One run, as a spec says it: all that its result depends on.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/options.h"
#include "model/spec.h"
#include "task/task.h"

namespace seqbench {

// The keys of "train", "eval" and "measure" in a spec, but for "eval.settings".
OptionList train_options();
OptionList eval_options();
OptionList measure_options();

// Of "train": no result depends on it, so it is in no resolved spec.
inline constexpr const char* kCheckpointSeconds = "checkpoint_seconds";

// What a part of "task.mix" or "eval.settings" has different from the task's own options.
struct TaskSetting {
  std::map<std::string, Value> options;
  double weight = 1;  // its share of a mix
  std::string path;   // in the spec, for messages: "task.mix[0]"
};

struct RunSpec {
  const TaskEntry* task = nullptr;
  Options task_options;
  std::vector<TaskSetting> mix;  // what is trained on; none: task_options
  ModelSpec model;
  Options train;
  Options eval;
  std::vector<TaskSetting> settings;  // what is tested on besides
  Options measure;
  std::uint64_t seed = 0;
};

// What a spec trains, validates and tests on. Throws Error for options that do not fit each other.
std::unique_ptr<Task> make_task(const RunSpec& spec);
// The task at one setting; Error names setting.path.
std::unique_ptr<Task> make_task(const RunSpec& spec, const TaskSetting& setting);

// What a run is tested on besides its own task: eval.lengths in order, then eval.settings. Where there are
// eval.lengths and the task has one length, that is among them, asked for or not, with kOwnLength for its
// path: its test is the task's own. Of a task whose lengths vary, each length asked for is a test apart.
inline constexpr const char* kOwnLength = "task.length";
std::vector<TaskSetting> further_tests(const RunSpec& spec);

}  // namespace seqbench
