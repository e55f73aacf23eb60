#include "train/spec.h"

#include <set>

#include "base/error.h"
#include "task/mixture.h"

namespace seqbench {

OptionList train_options() {
  return {
      Option::integer("steps", 1000, {1, 1e9}, "optimiser steps"),
      Option::integer("batch", 64, {1, 1e6}, "sequences per step"),
      Option::real("lr", 1e-3, {0, 1e3}, "peak learning rate of AdamW (betas 0.9, 0.999)"),
      Option::real("warmup", 0.1, {0, 1}, "share of the steps over which the learning rate rises linearly"),
      Option::choice("schedule", "cosine", {"cosine", "constant"},
                     "the learning rate after warmup; cosine falls to 0"),
      Option::real("weight_decay", 0.1, {0, 100}, "decoupled decay of matrices; vectors do not decay"),
      Option::real("clip", 1.0, {0, 1e9}, "largest norm of the whole gradient; 0 = never clipped"),
      Option::choice("precision", "f32", {"f32"}, "numbers that training computes with"),
      Option::integer("lanes", 8, {1, 1024},
                      "parts a batch is cut into, which are summed in order; workers take whole lanes"),
      Option::integer("valid_every", 100, {1, 1e9}, "steps between points of the learning curve"),
      Option::integer("valid_examples", 1024, {1, 1e8}, "sequences scored for such a point, at most"),
      Option::real(kCheckpointSeconds, 20, {0, 1e9},
                   "between checkpoints, and so the most work that a kill costs; 0 = after every step"),
      Option::real("stop_at", 0, {0, 1}, "validation accuracy at which training ends early; 0 = never"),
  };
}

OptionList eval_options() {
  return {
      Option::integer(
          "examples", 1024, {1, 1e8},
          "sequences of a test after training, and of its validation; splits with an end are read whole"),
      Option::integers("lengths", {}, {1, 1e7}, "further lengths to test at, beside task.length"),
      Option::flag("best", true,
                   "test the weights with the best validation too, where they are not the last"),
  };
}

OptionList measure_options() {
  return {
      Option::flag("speed", true, "time training, prefill and decoding after training"),
      Option::integers("contexts", {256, 1024, 4096}, {1, 1e7},
                       "contexts, in tokens, at which state and speed are measured, beside task.length"),
  };
}

std::unique_ptr<Task> make_task(const RunSpec& spec) {
  if (spec.mix.empty()) return spec.task->make(spec.task_options, spec.seed);
  std::vector<MixturePart> parts;
  for (const TaskSetting& part : spec.mix) parts.push_back({make_task(spec, part), part.weight});
  return mixture(std::move(parts), spec.seed, "task.mix");
}

std::unique_ptr<Task> make_task(const RunSpec& spec, const TaskSetting& setting) try {
  std::map<std::string, Value> values(spec.task_options.all().begin(), spec.task_options.all().end());
  for (const auto& [name, value] : setting.options) values[name] = value;
  return spec.task->make(Options(spec.task->options, values, "task"), spec.seed);
} catch (const Error& error) {
  fail("{}: {}", setting.path, error.what());
}

std::vector<TaskSetting> further_tests(const RunSpec& spec) {
  std::set<std::int64_t> lengths(spec.eval.integers("lengths").begin(), spec.eval.integers("lengths").end());
  const std::int64_t own = spec.task_options.integer("length");
  const std::int64_t shortest =
      spec.task_options.all().contains("min_length") ? spec.task_options.integer("min_length") : 0;
  const bool varies = shortest > 0;
  const bool one_length = (!varies || shortest == own) && spec.mix.empty();
  if (!lengths.empty() && one_length) lengths.insert(own);
  std::vector<TaskSetting> tests;
  for (const std::int64_t length : lengths) {
    const bool is_own = one_length && length == own;
    TaskSetting test{.options = {{"length", length}}, .path = is_own ? kOwnLength : "eval.lengths"};
    if (varies) test.options["min_length"] = length;
    tests.push_back(std::move(test));
  }
  // Of a task whose lengths vary, "length" alone leaves them varying, which is no test at that length.
  for (TaskSetting setting : spec.settings) {
    if (varies && setting.options.contains("length")) setting.options.try_emplace("min_length", shortest);
    tests.push_back(std::move(setting));
  }
  return tests;
}

}  // namespace seqbench
