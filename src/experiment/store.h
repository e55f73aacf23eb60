// Results on disk: DIR/<spec name>/<run id>/result.json.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "experiment/environment.h"
#include "experiment/json_part.h"
#include "experiment/plan.h"
#include "train/checkpoint.h"
#include "train/result.h"

namespace seqbench {

struct StoredResult {
  RunResult result = {};
  Environment environment;
  std::string started;  // ISO 8601, UTC
  Json spec = {};       // resolved, as it was stored; null: that of the plan
};

// The whole of result.json. Numbers that are not finite are null; so are the metrics of a split that was not
// scored and the cost of a run that did not get that far.
Json result_json(const PlannedRun& run, const StoredResult& stored);
// An entry of its "metrics"."settings": what is different in a test, and its metrics; and back.
Json further_test_json(const SettingMetrics& test);
SettingMetrics further_test_of(const JsonPart& json);
// Its "metrics" alone.
Json metrics_json(const RunResult& result);
// The reverse, but for `id` and `spec`, in which only what reports look up is checked. `where`: the file,
// which messages begin with. Throws Error that says which part is missing or not what it should be.
StoredResult stored_result(const Json& json, const std::string& where);
// Thrown for one that only a newer version can read.
struct NewerResult : Error {
  using Error::Error;
};

// Whether a later command takes up a run that ended so.
bool can_go_on(Status status);

// The result of a run, if it has one. Throws Error that names the file when it is there but cannot be read.
std::optional<StoredResult> load_result(const PlannedRun& run);

// Writes result.json as FileWriter does (base/files.h). Then the checkpoints go, but for those of a run that
// failed or timed out, which the next try goes on from. A failure is not written over the result of a run that
// has finished, nor over one that cannot be read. Throws Error.
void save_result(const PlannedRun& run, const StoredResult& stored);

// Makes the folder of each experiment and proves that files can be made in it. Throws Error, and leaves
// nothing behind.
void prepare_folders(const Plan& plan);

}  // namespace seqbench
