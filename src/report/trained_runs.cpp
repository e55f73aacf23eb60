#include "report/trained_runs.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/record.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

// What keeps the run from being tested; "" when nothing does.
std::string trouble_of(const fs::path& run) {
  const Records records = read_run(run);
  if (records.all.empty()) return records.problems[0];
  if (!records.all[0].ok()) return fmt::format("{}: {}", run.string(), records.all[0].trouble());
  return fs::exists(run / "model.safetensors") ? "" : run.string() + ": its model.safetensors is not there.";
}

}  // namespace

TrainedRuns trained_runs(const std::vector<fs::path>& paths) {
  TrainedRuns trained;
  const auto add = [&](const fs::path& run) {
    if (std::ranges::find(trained.runs, run) == trained.runs.end()) trained.runs.push_back(run);
  };
  for (const fs::path& path : paths) {
    const std::vector<fs::path> below = fs::is_directory(path) ? runs_under({path}, Links::followed) : std::vector<fs::path>();
    const bool itself = below.empty() || fs::exists(path / "model.safetensors") ||
                        std::ranges::find(below, path) != below.end();
    if (itself) {
      add(path);
      continue;
    }
    for (const fs::path& run : below) {
      const std::string trouble = trouble_of(run);
      if (trouble.empty()) {
        add(run);
      } else {
        trained.problems.push_back(trouble);
      }
    }
  }
  return trained;
}

}  // namespace seqbench
