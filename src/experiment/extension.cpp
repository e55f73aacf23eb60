#include "experiment/extension.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "experiment/json_part.h"
#include "experiment/spec.h"
#include "train/checkpoint.h"

namespace seqbench {
namespace {

// What a result says it was tested and measured on; checked, as files are.
struct Done {
  std::set<std::int64_t> lengths, contexts;
  Json settings = Json::array();
  std::int64_t examples = 0;
  bool speed = false;
  bool best = false;
};

std::set<std::int64_t> numbers(const JsonPart& list) {
  std::set<std::int64_t> all;
  for (const JsonPart& number : list.elements()) all.insert(number.whole(1));
  return all;
}

Done done_of(const JsonPart& spec) {
  const JsonPart eval = spec.at("eval"), measure = spec.at("measure");
  Done done = {.lengths = numbers(eval.at("lengths")), .contexts = numbers(measure.at("contexts"))};
  for (const JsonPart& setting : eval.at("settings").elements()) done.settings.push_back(setting.json());
  done.examples = eval.at("examples").whole(1);
  done.best = eval.at("best").json() == true;
  done.speed = measure.at("speed").json() == true;
  return done;
}

bool has(const Json& list, const Json& value) { return std::ranges::find(list, value) != list.end(); }

Json joined(Json asked, const Json& there) {
  for (const Json& setting : there) {
    if (!has(asked, setting)) asked.push_back(setting);
  }
  return asked;
}

Json joined(const Json& asked, std::set<std::int64_t> there) {
  there.merge(asked.get<std::set<std::int64_t>>());
  return there;
}

// The spec of `asked` with what is done besides.
Json with(const Done& done, Json asked) {
  Json& eval = asked.at("eval");
  eval["lengths"] = joined(eval.at("lengths"), done.lengths);
  eval["settings"] = joined(eval.at("settings"), done.settings);
  eval["best"] = eval.at("best") == true || done.best;
  Json& measure = asked.at("measure");
  measure["contexts"] = joined(measure.at("contexts"), done.contexts);
  measure["speed"] = measure.at("speed") == true || done.speed;
  return asked;
}

bool lacks_tests(const Done& done, const Json& eval) {
  return eval.at("examples") != done.examples || eval.at("lengths").size() > done.lengths.size() ||
         eval.at("settings").size() > done.settings.size() || eval.at("best") != done.best;
}

bool lacks_measurements(const Done& done, const Json& measure) {
  return measure.at("contexts").size() > done.contexts.size() || measure.at("speed") != done.speed;
}

}  // namespace

std::optional<Extension> extension_of(const PlannedRun& run, const StoredResult& stored) try {
  if (stored.result.status != Status::ok) return std::nullopt;
  const Done done = done_of(JsonPart(stored.spec));
  const Json wanted = with(done, run.resolved);
  const bool measurements = lacks_measurements(done, wanted.at("measure"));
  if (!measurements && !lacks_tests(done, wanted.at("eval"))) return std::nullopt;
  Extension extension{.run = run, .stored = stored};
  extension.run.resolved = wanted;
  extension.run.spec = resolve(wanted);
  RunResult& result = extension.stored.result;
  if (run.spec.eval.integer("examples") != done.examples) {
    result.valid = {};
    result.test = {};
    result.settings.clear();
    if (result.best) result.best = {.step = result.best->step, .valid = {}, .test = {}};
  }
  if (measurements) result.cost.state_bytes.clear();
  return extension;
} catch (const Error& error) {
  fail("{}: the spec in its result.json: {}", run.folder.string(), error.what());
}

bool has_models(const std::filesystem::path& folder, const RunResult& result) {
  const bool one = !result.best || result.best->step == result.steps;
  return std::filesystem::exists(folder / kModelFile) && (one || std::filesystem::exists(folder / kBestFile));
}

bool is_trained(const PlannedRun& run) {
  const auto stored = load_result(run);
  return stored && stored->result.status == Status::ok && has_models(run.folder, stored->result);
}

}  // namespace seqbench
