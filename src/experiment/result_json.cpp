// The keys of result.json, written and read. Within a schema number keys are added, never changed.
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "experiment/json_part.h"
#include "experiment/spec.h"
#include "experiment/store.h"
#include "model/language_model.h"

namespace seqbench {

// Not in the namespace below: the library finds it by the type alone.
static void to_json(Json& json, const SpeedSample& sample) {
  json = Json::array({sample.tokens_per_s, sample.gemm_gflops});
}

namespace {

Json json_of(const Metrics::SliceMetrics& slice) {
  return {{"by", slice.by},        {"value", slice.value},
          {"loss", slice.loss},    {"accuracy", slice.accuracy},
          {"exact", slice.exact},  {"examples", slice.examples},
          {"labels", slice.labels}};
}

Metrics::SliceMetrics slice_of(const JsonPart& json) {
  return {.by = json.at("by").text(),
          .value = json.at("value").whole(0),
          .loss = json.at("loss").number(),
          .accuracy = json.at("accuracy").number(),
          .exact = json.at("exact").number(),
          .examples = json.at("examples").whole(0),
          .labels = json.has("labels") ? json.at("labels").whole(0) : 0};
}

Json json_of(const Metrics& metrics) {
  if (metrics.examples == 0) return nullptr;
  Json json = {{"loss", metrics.loss},
               {"accuracy", metrics.accuracy},
               {"accuracy_interval", {metrics.accuracy_interval.low, metrics.accuracy_interval.high}},
               {"exact", metrics.exact}};
  if (metrics.bits_per_byte) {
    json["bits_per_byte"] = *metrics.bits_per_byte;
    json["perplexity"] = std::exp(metrics.loss);
  }
  if (metrics.excess) json["excess"] = *metrics.excess;
  json["chance"] = metrics.chance.uniform;
  if (metrics.chance.in_context) json["chance_in_context"] = *metrics.chance.in_context;
  if (metrics.chance.exact) json["chance_exact"] = *metrics.chance.exact;
  json["examples"] = metrics.examples;
  json["labels"] = metrics.labels;
  json["errors"] = metrics.errors;
  json["slices"] = Json::array();
  for (const auto& slice : metrics.slices) json["slices"].push_back(json_of(slice));
  return json;
}

std::vector<JsonPart> two_of(const JsonPart& json) {
  std::vector<JsonPart> two = json.elements();
  if (two.size() != 2) json.refuse("a list of two numbers");
  return two;
}

std::optional<double> optional_number(const JsonPart& json, const std::string& key) {
  return json.has(key) ? std::optional(json.at(key).number()) : std::nullopt;
}

Metrics metrics_of_json(const JsonPart& json) {
  Metrics metrics;
  if (json.is_null()) return metrics;
  metrics.loss = json.at("loss").number();
  metrics.accuracy = json.at("accuracy").number();
  const std::vector<JsonPart> interval = two_of(json.at("accuracy_interval"));
  metrics.accuracy_interval = {interval[0].number(), interval[1].number()};
  metrics.exact = json.at("exact").number();
  metrics.bits_per_byte = optional_number(json, "bits_per_byte");
  metrics.excess = optional_number(json, "excess");
  metrics.chance.uniform = json.at("chance").number();
  metrics.chance.in_context = optional_number(json, "chance_in_context");
  metrics.chance.exact = optional_number(json, "chance_exact");
  metrics.examples = json.at("examples").whole(0);
  metrics.labels = json.at("labels").whole(0);
  if (json.has("errors")) metrics.errors = json.at("errors").whole(0);
  for (const JsonPart& slice : json.at("slices").elements()) metrics.slices.push_back(slice_of(slice));
  return metrics;
}

// What a setting holds in a result; the declaration of the option is not needed to show it.
Value setting_value(const JsonPart& part) {
  const Json& json = part.json();
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return part.whole();
  if (json.is_number()) return part.number();
  if (json.is_string()) return part.text();
  if (json.is_array() && !json.empty() && json[0].is_string()) return part.texts();
  Integers integers;
  for (const JsonPart& element : part.elements()) integers.push_back(element.whole());
  return integers;
}

template <class T>
Json json_of(const std::map<std::int64_t, T>& by_length) {
  Json json = Json::object();
  for (const auto& [length, value] : by_length) json[std::to_string(length)] = value;
  return json;
}

std::int64_t length_of(const std::string& key, const JsonPart& json) {
  std::int64_t length = 0;
  const char* end = key.data() + key.size();
  if (std::from_chars(key.data(), end, length).ptr != end || length < 1)
    json.refuse(fmt::format("lengths as keys, and not \"{}\"", key));
  return length;
}

template <class Read>
auto map_of(const JsonPart& json, const Read& read) {
  std::map<std::int64_t, decltype(read(json))> by_length;
  for (const auto& [key, value] : json.members()) by_length[length_of(key, json)] = read(value);
  return by_length;
}

double number_of(const JsonPart& json) { return json.number(); }

SpeedSamples samples_of(const JsonPart& json) {
  SpeedSamples samples;
  for (const JsonPart& sample : json.elements()) {
    const std::vector<JsonPart> two = two_of(sample);
    samples.push_back({.tokens_per_s = two[0].number(), .gemm_gflops = two[1].number()});
  }
  return samples;
}

Json json_of(const Cost& cost) {
  if (cost.parameters == 0) return nullptr;
  Json json = {{"parameters", cost.parameters},
               {"mixer_parameters", cost.mixer_parameters},
               {"task_length", cost.task_length},
               {"state_bytes", json_of(cost.state_bytes)},
               {"flops_per_token", cost.flops_per_token}};
  json["train_tokens_per_s"] = cost.train_tokens_per_s ? Json(*cost.train_tokens_per_s) : Json();
  json["prefill_tokens_per_s"] = json_of(cost.prefill_tokens_per_s);
  json["decode_us_per_token"] = json_of(cost.decode_us_per_token);
  if (!cost.train_samples.empty()) {
    json["speed_samples"] = {{"train", cost.train_samples},
                             {"prefill", json_of(cost.prefill_samples)},
                             {"decode", json_of(cost.decode_samples)}};
  }
  json["peak_bytes"] = cost.peak_bytes;
  json["process_peak_bytes"] = cost.process_peak_bytes;
  return json;
}

Cost cost_of(const JsonPart& json) {
  Cost cost;
  cost.parameters = json.at("parameters").whole(0);
  cost.mixer_parameters = json.at("mixer_parameters").whole(0);
  if (json.has("task_length")) cost.task_length = json.at("task_length").whole(0);
  cost.state_bytes = map_of(json.at("state_bytes"), [](const JsonPart& bytes) { return bytes.whole(0); });
  cost.flops_per_token = json.at("flops_per_token").number();
  if (!json.at("train_tokens_per_s").is_null())
    cost.train_tokens_per_s = json.at("train_tokens_per_s").number();
  cost.prefill_tokens_per_s = map_of(json.at("prefill_tokens_per_s"), number_of);
  cost.decode_us_per_token = map_of(json.at("decode_us_per_token"), number_of);
  if (json.has("speed_samples")) {
    const JsonPart samples = json.at("speed_samples");
    cost.train_samples = samples_of(samples.at("train"));
    cost.prefill_samples = map_of(samples.at("prefill"), samples_of);
    cost.decode_samples = map_of(samples.at("decode"), samples_of);
  }
  cost.peak_bytes = json.at("peak_bytes").whole(0);
  cost.process_peak_bytes = json.at("process_peak_bytes").whole(0);
  return cost;
}

Status status_of(const JsonPart& json) {
  const std::string name = json.text();
  for (const Status status : {Status::ok, Status::diverged, Status::timeout, Status::failed}) {
    if (name == name_of(status)) return status;
  }
  json.refuse("ok, diverged, timeout or failed");
}

void check_mixer(const JsonPart& mixer) {
  if (!mixer.is_list()) return static_cast<void>(mixer.at("name").text());
  for (const JsonPart& part : mixer.elements()) check_mixer(part);
}

// What reports look up in a spec; of which version its options are does not matter to them.
void check_spec(const JsonPart& spec) {
  spec.at("name").text();
  spec.at("task").at("name").text();
  check_mixer(spec.at("model").at("mixer"));
  for (const char* section : {"train", "eval", "measure"}) spec.at(section).members();
  spec.at("seed").whole();
}

void check_schema(const Json& json, const std::string& where) {
  fail_if(!json.is_object() || !json.contains("schema"), "{}: is not a result of seqbench.", where);
  const Json& schema = json.at("schema");
  if (schema == kSchema) return;
  const std::string what =
      fmt::format("{}: its schema is {}, and this program reads {}", where, shown(schema), kSchema);
  if (schema.is_number_integer() && schema > kSchema)
    throw NewerResult(what + ": a newer seqbench has written it.");
  fail("{}.", what);
}

std::vector<SettingMetrics> further_tests_of(const JsonPart& metrics) {
  std::vector<SettingMetrics> tests;
  if (!metrics.has("settings")) return tests;
  for (const JsonPart& test : metrics.at("settings").elements()) tests.push_back(further_test_of(test));
  return tests;
}

BestResult best_of(const JsonPart& json) {
  BestResult best{.step = json.at("step").whole(0), .valid = {}, .test = {}};
  if (!json.has("metrics")) return best;
  const JsonPart metrics = json.at("metrics");
  best.valid = metrics_of_json(metrics.at("valid"));
  best.test = metrics_of_json(metrics.at("test"));
  best.settings = further_tests_of(metrics);
  return best;
}

StoredResult whole_result(const JsonPart& json) {
  StoredResult stored;
  RunResult& result = stored.result;
  json.at("id").text();
  check_spec(json.at("spec"));
  stored.spec = json.at("spec").json();
  result.status = status_of(json.at("status"));
  result.message = json.at("message").text();
  result.steps = json.at("steps").whole(0);
  const JsonPart metrics = json.at("metrics");
  result.train = metrics_of_json(metrics.at("train"));
  result.valid = metrics_of_json(metrics.at("valid"));
  result.test = metrics_of_json(metrics.at("test"));
  result.settings = further_tests_of(metrics);
  if (json.has("best")) result.best = best_of(json.at("best"));
  // A run that did not end well may not have got that far.
  const JsonPart cost = json.at("cost");
  if (result.status == Status::ok || !cost.is_null()) result.cost = cost_of(cost);
  stored.environment = environment_of(json.at("environment"));
  const JsonPart time = json.at("time");
  stored.started = time.at("started").text();
  result.train_seconds = time.at("train_seconds").number();
  result.total_seconds = time.at("total_seconds").number();
  if (time.has("resumes")) result.resumes = time.at("resumes").whole(0);
  if (time.has("repeated_steps")) result.repeated_steps = time.at("repeated_steps").whole(0);
  return stored;
}

}  // namespace

Json further_test_json(const SettingMetrics& test) {
  Json json = {{"setting", settings_json(test.setting)}};
  json.update(json_of(test.metrics));
  return json;
}

SettingMetrics further_test_of(const JsonPart& json) {
  SettingMetrics test{.setting = {}, .metrics = metrics_of_json(json)};
  for (const auto& [name, value] : json.at("setting").members())
    test.setting[name] = name == "length" ? Value(value.whole(1)) : setting_value(value);  // an axis of plots
  return test;
}

Json metrics_json(const RunResult& result) {
  Json json = {
      {"train", json_of(result.train)}, {"valid", json_of(result.valid)}, {"test", json_of(result.test)}};
  json["settings"] = Json::array();
  for (const SettingMetrics& test : result.settings) json["settings"].push_back(further_test_json(test));
  return json;
}

static Json best_json(const BestResult& best) {
  Json json = {{"step", best.step}};
  if (best.test.examples == 0) return json;
  RunResult tests;
  tests.valid = best.valid;
  tests.test = best.test;
  tests.settings = best.settings;
  json["metrics"] = metrics_json(tests);
  json["metrics"].erase("train");
  return json;
}

Json result_json(const PlannedRun& run, const StoredResult& stored) {
  const RunResult& result = stored.result;
  Json json = {{"schema", kSchema},
               {"id", run.id},
               {"spec", stored.spec.is_null() ? run.resolved : stored.spec},
               {"task_version", run.spec.task->version},
               {"model_version", kModelVersion},
               {"status", name_of(result.status)},
               {"message", result.message},
               {"steps", result.steps}};
  if (run.data_id != 0) json["data"] = fmt::format("{:016x}", run.data_id);
  json["metrics"] = metrics_json(result);
  if (result.best) json["best"] = best_json(*result.best);
  json["cost"] = json_of(result.cost);
  json["environment"] = json_of(stored.environment);
  json["time"] = {{"started", stored.started},
                  {"train_seconds", result.train_seconds},
                  {"total_seconds", result.total_seconds},
                  {"resumes", result.resumes},
                  {"repeated_steps", result.repeated_steps}};
  return json;
}

StoredResult stored_result(const Json& json, const std::string& where) {
  check_schema(json, where);
  try {
    return whole_result(JsonPart(json));
  } catch (const Error& error) {
    fail("{}: is no complete result of seqbench: {}", where, error.what());
  }
}

}  // namespace seqbench
