#include "experiment/spec.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "experiment/grid.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"
#include "train/run.h"

namespace seqbench::fuzz {
namespace {

constexpr std::size_t kMostRuns = 8;  // of a grid that are looked at

// Building a task and a model is what a user asked for; only small ones are built here, and none of files.
bool is_small(const RunSpec& run) {
  const auto at_most = [](const Options& options, std::int64_t most) {
    return std::ranges::all_of(options.all(), [&](const auto& option) {
      const auto* integer = std::get_if<std::int64_t>(&option.second);
      const auto* list = std::get_if<Integers>(&option.second);
      const auto fits = [&](std::int64_t value) { return value <= most; };
      return (integer == nullptr || fits(*integer)) && (list == nullptr || std::ranges::all_of(*list, fits));
    });
  };
  return run.task->name != "language_model" && run.mix.empty() && run.settings.empty() &&
         at_most(run.task_options, 128) && at_most(run.model.options, 64) && at_most(run.eval, 1024) &&
         std::ranges::all_of(run.model.mixers,
                             [&](const MixerSpec& mixer) { return at_most(mixer.options, 128); });
}

void look_at(const Json& json, const std::string& name) {
  const RunSpec run = resolve(json);
  const Json resolved = resolved_json(name, run);
  const Json again = resolved_json(name, resolve(parse_json(resolved.dump(), "resolved")));
  expect(again == resolved, "a resolved spec resolves to itself");
  if (!is_small(run)) return;
  try {
    check(run);
  } catch (const Error&) {
  }
}

}  // namespace

void spec(std::string_view input) try {
  // A first line "path=value" is a --set.
  const std::size_t line = input.starts_with('{') ? 0 : std::min(input.find('\n'), input.size());
  Json json = parse_json(input.substr(line), "spec");
  if (line > 0) apply_set(json, std::string(input.substr(0, line)));
  const std::string name = spec_name(json, "stem");
  const Grid grid = take_grid(json);
  const auto all = combinations(grid.axes);
  for (const Axis& axis : grid.axes) {
    expect(value_labels(axis).size() == axis.values.size(), "each value of an axis has a label");
    for (const Json& value : axis.values) value_slug(axis, value);
  }
  for (std::size_t i = 0; i < std::min(all.size(), kMostRuns); ++i) {
    Json one = json;
    for (std::size_t a = 0; a < grid.axes.size(); ++a)
      set_path(one, grid.axes[a].path, grid.axes[a].values[all[i][a]], "grid");
    look_at(one, name);
  }
} catch (const Error&) {
}

}  // namespace seqbench::fuzz
