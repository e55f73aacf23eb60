#include "experiment/evaluations.h"

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/files.h"
#include "experiment/environment.h"
#include "experiment/json_part.h"
#include "experiment/run_lock.h"
#include "experiment/slice_text.h"
#include "experiment/spec.h"
#include "experiment/store.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;
using Setting = std::map<std::string, Value>;

constexpr const char* kFile = "evaluations.json";

// What the test of a model is about that its run's own is not.
Setting differences(const RunSpec& tested, const RunSpec& of_run) {
  Setting setting;
  for (const auto& [name, value] : tested.task_options.all()) {
    if (value != of_run.task_options.all().at(name)) setting[name] = value;
  }
  const Json task = resolved_json("", tested).at("task").at("mix");
  if (task != resolved_json("", of_run).at("task").at("mix")) setting["mix"] = task.dump();
  if (tested.seed != of_run.seed) setting["seed"] = static_cast<std::int64_t>(tested.seed);
  if (tested.eval.integer("examples") != of_run.eval.integer("examples"))
    setting["examples"] = tested.eval.integer("examples");
  return setting;
}

std::vector<SettingMetrics> tests_of(const Tested& tested) {
  Setting common = differences(tested.spec, tested.of_run);
  if (tested.best) common["weights"] = std::string("best");
  std::vector<SettingMetrics> tests = {{common, tested.result.test}};
  // Beside further lengths the own one stands among them too.
  const Setting own = {{"length", tested.spec.task_options.integer("length")}};
  for (const SettingMetrics& further : tested.result.settings) {
    if (further.setting == own) continue;
    SettingMetrics test = further;
    test.setting.insert(common.begin(), common.end());
    tests.push_back(std::move(test));
  }
  return tests;
}

bool has(const std::vector<SettingMetrics>& tests, const Setting& setting) {
  return std::ranges::find(tests, setting, &SettingMetrics::setting) != tests.end();
}

void put(std::vector<SettingMetrics>& kept, const SettingMetrics& test) {
  const auto found = std::ranges::find(kept, test.setting, &SettingMetrics::setting);
  if (found == kept.end()) {
    kept.push_back(test);
  } else {
    *found = test;
  }
}

void write(const fs::path& file, const std::vector<SettingMetrics>& tests) {
  Json json = {{"schema", kSchema}, {"tests", Json::array()}};
  for (const SettingMetrics& test : tests) json["tests"].push_back(further_test_json(test));
  replace_file(file, json.dump(2) + "\n");
}

}  // namespace

std::vector<SettingMetrics> kept_evaluations(const fs::path& folder) {
  const fs::path file = folder / kFile;
  if (!fs::exists(file)) return {};
  const Json json = read_json(file);
  try {
    const JsonPart whole(json);
    if (whole.at("schema").json() != kSchema) whole.at("schema").refuse(std::to_string(kSchema));
    std::vector<SettingMetrics> tests;
    for (const JsonPart& test : whole.at("tests").elements()) tests.push_back(further_test_of(test));
    return tests;
  } catch (const Error& error) {
    fail("{}: holds no tests that this program can read: {}", file.string(), error.what());
  }
}

std::size_t keep_evaluation(const Tested& tested) {
  const fs::path folder = tested.file.parent_path();
  if (!fs::exists(folder / "result.json")) return 0;
  const RunLock lock(folder);
  fail_if(!lock.taken(), "{}: another process is at work on this run; its tests are not kept.",
          folder.string());
  const RunResult result = stored_result(read_json(folder / "result.json"), folder.string()).result;
  std::vector<SettingMetrics> kept = kept_evaluations(folder);
  std::size_t fresh = 0;
  for (const SettingMetrics& test : tests_of(tested)) {
    if (test.setting.empty() || has(result.settings, test.setting)) continue;
    put(kept, test);
    ++fresh;
  }
  if (fresh > 0) write(folder / kFile, kept);
  return fresh;
}

std::vector<SettingMetrics> add_evaluations(const fs::path& folder, RunResult& result) {
  std::vector<SettingMetrics> added;
  for (SettingMetrics& test : kept_evaluations(folder)) {
    if (!has(result.settings, test.setting)) added.push_back(std::move(test));
  }
  std::ranges::copy(added, std::back_inserter(result.settings));
  return added;
}

}  // namespace seqbench
