#include "experiment/store.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "experiment/run_files.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

// Makes a folder and those above it, remembering which ones are new.
void make_folder(const fs::path& folder, std::vector<fs::path>& made) {
  if (folder.empty() || fs::is_directory(folder)) return;
  make_folder(folder.parent_path(), made);
  std::error_code error;
  const bool fresh = fs::create_directory(folder, error);
  fail_if(static_cast<bool>(error), "{}: {}.", folder.string(), error.message());
  if (fresh) made.push_back(folder);
}

bool holds_more_than_a_failure(const PlannedRun& run) try {
  const auto stored = load_result(run);
  return stored && !can_go_on(stored->result.status);
} catch (const Error&) {
  return true;
}

constexpr const char* kProbe = ".probe";

// A file that is begun and never finished; what a kill left of an earlier one goes.
void prove_writable(const fs::path& folder) {
  for (const fs::path& probe : parts_in(folder, kProbe)) fs::remove(probe);
  const FileWriter probe(folder / kProbe);
}

}  // namespace

bool can_go_on(Status status) { return status == Status::failed || status == Status::timeout; }

std::optional<StoredResult> load_result(const PlannedRun& run) {
  const fs::path file = run.folder / "result.json";
  if (!fs::exists(file)) return std::nullopt;
  try {
    return stored_result(read_json(file), file.string());
  } catch (const NewerResult& error) {
    fail("{} Use that one, or choose another --out.", error.what());
  } catch (const Error& error) {
    fail("{} Delete that file or move it away, and its run is run again.", error.what());
  }
}

void save_result(const PlannedRun& run, const StoredResult& stored) {
  if (stored.result.status == Status::failed && holds_more_than_a_failure(run)) return;
  replace_file(run.folder / "result.json", result_json(run, stored).dump(2) + "\n");
  try {
    clear_leftovers(run.folder, !can_go_on(stored.result.status));
  } catch (const std::exception&) {
    // The result is stored; what stays beside it, the next command clears.
  }
}

void prepare_folders(const Plan& plan) {
  std::vector<fs::path> made;
  try {
    for (const PlannedRun& run : plan.runs) make_folder(run.folder.parent_path(), made);
    for (const Experiment& experiment : plan.experiments) {
      prove_writable(plan.runs[experiment.members.front().run].folder.parent_path());
    }
  } catch (const std::exception& error) {
    std::error_code ignored;
    for (auto folder = made.rbegin(); folder != made.rend(); ++folder) fs::remove(*folder, ignored);
    fail("the output folder cannot be written: {} Choose another with --out.", error.what());
  }
}

}  // namespace seqbench
