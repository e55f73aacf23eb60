#include "experiment/plan.h"

#include <algorithm>
#include <climits>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "base/shortened.h"
#include "experiment/budget.h"
#include "experiment/spec.h"
#include "mechanism/mechanism.h"
#include "model/language_model.h"
#include "train/run.h"

namespace seqbench {
namespace {

constexpr std::size_t kLongestSlug = 60;

// Ten hexadecimal digits. What a model is tested and measured on takes no part: more of it needs no other
// model. A new version of the scores of its task, model or mechanisms, or other files behind the same names,
// make it another run.
std::string hash_of_run(const PlannedRun& run) {
  Texts mixers;
  for (const MixerSpec& mixer : run.spec.model.mixers) {
    mixers.push_back(std::to_string(mechanisms().find(mixer.name, mixer.path).version));
  }
  const std::uint64_t hash = hash_of(fmt::format("{} task version {} model version {} mixers {} data {}",
                                                 training_json(run.resolved).dump(), run.spec.task->version,
                                                 kModelVersion, fmt::join(mixers, ","), run.data_id));
  return fmt::format("{:010x}", hash & 0xffffffffffULL);
}

bool has_axis(const Grid& grid, const std::string& path) {
  return std::ranges::find(grid.axes, path, &Axis::path) != grid.axes.end();
}

// "softmax-lr0.002-seed1": the mechanism, the values of the axes, the seed.
std::string slug_of_run(const RunSpec& spec, const Grid& grid, const std::vector<std::size_t>& values) {
  Texts parts;
  if (!has_axis(grid, "model.mixer")) parts.push_back(mechanism_of(spec.model));
  for (std::size_t a = 0; a < values.size(); ++a) {
    parts.push_back(value_slug(grid.axes[a], grid.axes[a].values[values[a]]));
  }
  if (!has_axis(grid, "seed")) parts.push_back(fmt::format("seed{}", spec.seed));
  return fmt::format("{}", fmt::join(parts, "-"));
}

// " (in the run with train.lr=0.1, seed=1)"
std::string in_the_run(const Grid& grid, const std::vector<std::size_t>& values) {
  Texts parts;
  for (std::size_t a = 0; a < values.size(); ++a) {
    parts.push_back(fmt::format("{}={}", grid.axes[a].path, grid.axes[a].values[values[a]].dump()));
  }
  return parts.empty() ? "" : fmt::format(" (in the run with {})", fmt::join(parts, ", "));
}

// Files in the folder need a name and one of their own while they are not whole.
void expect_nameable(const std::filesystem::path& folder) {
  constexpr std::size_t kLongestName = NAME_MAX, kLongestPath = PATH_MAX - 1 - NAME_MAX - 1;
  for (const std::filesystem::path& part : folder) {
    fail_if(part.string().size() > kLongestName,
            "\"{}\", part of the folder of results, is {} bytes long; expected at most {}.",
            shortened(part.string()), part.string().size(), kLongestName);
  }
  const std::size_t length = std::filesystem::absolute(folder).string().size();
  fail_if(length > kLongestPath, "the path of the results' folder is {} bytes long; expected at most {}.", length,
          kLongestPath);
}

PlannedRun planned_run(const Json& base, const Experiment& experiment, const std::vector<std::size_t>& values,
                       const std::filesystem::path& out) try {
  Json spec = base;
  for (std::size_t a = 0; a < values.size(); ++a) {
    const Axis& axis = experiment.grid.axes[a];
    set_path(spec, axis.path, axis.values[values[a]], "grid." + axis.path);
  }
  PlannedRun run{.experiment = experiment.name, .spec = resolve(with_budget_solved(spec))};
  const Checked checked = check(run.spec);
  run.data_id = checked.data_id;
  run.parameters = checked.parameters;
  run.resolved = resolved_json(experiment.name, run.spec);
  const std::string slug = slug_of_run(run.spec, experiment.grid, values).substr(0, kLongestSlug);
  run.id = slug + "-" + hash_of_run(run);
  run.folder = out / experiment.name / run.id;
  expect_nameable(run.folder);
  return run;
} catch (const Error& error) {
  throw Error(error.what() + in_the_run(experiment.grid, values));
}

void refuse_other_tests(const PlannedRun& run, const PlannedRun& planned) {
  for (const char* section : {"eval", "measure"}) {
    fail_if(
        run.resolved.at(section) != planned.resolved.at(section),
        "{} is planned already, with another \"{}\"; ask for all of it in one spec, or give this one another "
        "name.",
        run.id, section);
  }
}

using Folders = std::map<std::filesystem::path, std::size_t>;  // of the runs of a plan, by index

// Where the plan has a run, or the one that shares its folder.
std::size_t index_of(PlannedRun&& run, Plan& plan, Folders& folders) {
  const auto [place, fresh] = folders.try_emplace(run.folder, plan.runs.size());
  if (fresh) {
    plan.runs.push_back(std::move(run));
  } else {
    refuse_other_tests(run, plan.runs[place->second]);
  }
  return place->second;
}

void add_file(Plan& plan, Folders& folders, const std::filesystem::path& file, Json spec, const Texts& sets,
              const std::filesystem::path& out) try {
  for (const std::string& set : sets) apply_set(spec, set);
  refuse_nul(spec, "the spec");
  Experiment experiment{.name = spec_name(spec, file.stem().string()), .file = file, .grid = take_grid(spec)};
  std::set<std::size_t> members;
  for (const auto& values : combinations(experiment.grid.axes)) {
    const std::size_t run = index_of(planned_run(spec, experiment, values, out), plan, folders);
    if (members.insert(run).second) experiment.members.push_back({run, values});
  }
  plan.experiments.push_back(std::move(experiment));
} catch (const Error& error) {
  throw Error(fmt::format("{}: {}", file.string(), error.what()));
}

}  // namespace

Plan make_plan(const std::vector<std::filesystem::path>& files, const Texts& sets,
               const std::filesystem::path& out) {
  Plan plan;
  Folders folders;
  for (const std::filesystem::path& file : files)
    add_file(plan, folders, file, read_json(file, true), sets, out);
  return plan;
}

}  // namespace seqbench
