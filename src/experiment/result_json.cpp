// The keys of result.json, written and read. Within a schema number keys are added, never changed.
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "experiment/spec.h"
#include "experiment/store.h"

namespace seqbench {

// Not in the namespace below: the library finds these two by the type alone.
static void to_json(Json& json, const SpeedSample& sample) {
  json = Json::array({sample.tokens_per_s, sample.gemm_gflops});
}
static void from_json(const Json& json, SpeedSample& sample) {
  sample = {.tokens_per_s = json.at(0), .gemm_gflops = json.at(1)};
}

namespace {

double number(const Json& json) {
  return json.is_null() ? std::numeric_limits<double>::quiet_NaN() : json.get<double>();
}

Json json_of(const Metrics::SliceMetrics& slice) {
  return {{"by", slice.by},        {"value", slice.value},
          {"loss", slice.loss},    {"accuracy", slice.accuracy},
          {"exact", slice.exact},  {"examples", slice.examples},
          {"labels", slice.labels}};
}

Metrics::SliceMetrics slice_of(const Json& json) {
  return {.by = json.at("by"),
          .value = json.at("value"),
          .loss = number(json.at("loss")),
          .accuracy = number(json.at("accuracy")),
          .exact = number(json.at("exact")),
          .examples = json.at("examples"),
          .labels = json.value("labels", std::int64_t{0})};
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

Metrics metrics_of_json(const Json& json) {
  Metrics metrics;
  if (json.is_null()) return metrics;
  metrics.loss = number(json.at("loss"));
  metrics.accuracy = number(json.at("accuracy"));
  metrics.accuracy_interval = {number(json.at("accuracy_interval").at(0)),
                               number(json.at("accuracy_interval").at(1))};
  metrics.exact = number(json.at("exact"));
  if (json.contains("bits_per_byte")) metrics.bits_per_byte = number(json.at("bits_per_byte"));
  if (json.contains("excess")) metrics.excess = number(json.at("excess"));
  metrics.chance.uniform = number(json.at("chance"));
  if (json.contains("chance_in_context")) metrics.chance.in_context = number(json.at("chance_in_context"));
  if (json.contains("chance_exact")) metrics.chance.exact = number(json.at("chance_exact"));
  json.at("examples").get_to(metrics.examples);
  json.at("labels").get_to(metrics.labels);
  metrics.errors = json.value("errors", std::int64_t{0});
  for (const Json& slice : json.at("slices")) metrics.slices.push_back(slice_of(slice));
  return metrics;
}

// A test at other options: its metrics, and what is different.
Json json_of(const SettingMetrics& test) {
  Json json = {{"setting", settings_json(test.setting)}};
  json.update(json_of(test.metrics));
  return json;
}

// What a setting holds in a result; the declaration of the option is not needed to show it.
Value setting_value(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (!json.empty() && json[0].is_string()) return json.get<Texts>();
  return json.get<Integers>();
}

SettingMetrics setting_metrics_of(const Json& json) {
  SettingMetrics test{.setting = {}, .metrics = metrics_of_json(json)};
  for (const auto& [name, value] : json.at("setting").items()) test.setting[name] = setting_value(value);
  return test;
}

template <class T>
Json json_of(const std::map<std::int64_t, T>& by_length) {
  Json json = Json::object();
  for (const auto& [length, value] : by_length) json[std::to_string(length)] = value;
  return json;
}

template <class T>
std::map<std::int64_t, T> map_of(const Json& json) {
  std::map<std::int64_t, T> by_length;
  for (const auto& [length, value] : json.items()) by_length[std::stoll(length)] = value.template get<T>();
  return by_length;
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

Cost cost_of(const Json& json) {
  Cost cost;
  if (json.is_null()) return cost;
  json.at("parameters").get_to(cost.parameters);
  json.at("mixer_parameters").get_to(cost.mixer_parameters);
  cost.task_length = json.value("task_length", cost.task_length);
  cost.state_bytes = map_of<std::int64_t>(json.at("state_bytes"));
  cost.flops_per_token = number(json.at("flops_per_token"));
  if (!json.at("train_tokens_per_s").is_null())
    cost.train_tokens_per_s = json.at("train_tokens_per_s").get<double>();
  cost.prefill_tokens_per_s = map_of<double>(json.at("prefill_tokens_per_s"));
  cost.decode_us_per_token = map_of<double>(json.at("decode_us_per_token"));
  if (json.contains("speed_samples")) {
    const Json& samples = json["speed_samples"];
    cost.train_samples = samples.at("train").get<SpeedSamples>();
    cost.prefill_samples = map_of<SpeedSamples>(samples.at("prefill"));
    cost.decode_samples = map_of<SpeedSamples>(samples.at("decode"));
  }
  json.at("peak_bytes").get_to(cost.peak_bytes);
  json.at("process_peak_bytes").get_to(cost.process_peak_bytes);
  return cost;
}

Status status_of(const Json& json) {
  const auto name = json.get<std::string>();
  for (const Status status : {Status::ok, Status::diverged, Status::timeout, Status::failed}) {
    if (name == name_of(status)) return status;
  }
  fail("unknown status \"{}\".", name);
}

}  // namespace

Json metrics_json(const RunResult& result) {
  Json json = {
      {"train", json_of(result.train)}, {"valid", json_of(result.valid)}, {"test", json_of(result.test)}};
  json["settings"] = Json::array();
  for (const SettingMetrics& test : result.settings) json["settings"].push_back(json_of(test));
  return json;
}

Json result_json(const PlannedRun& run, const StoredResult& stored) {
  const RunResult& result = stored.result;
  Json json = {{"schema", kSchema},
               {"id", run.id},
               {"spec", run.resolved},
               {"task_version", run.spec.task->version},
               {"status", name_of(result.status)},
               {"message", result.message},
               {"steps", result.steps}};
  if (run.data_id != 0) json["data"] = fmt::format("{:016x}", run.data_id);
  json["metrics"] = metrics_json(result);
  json["cost"] = json_of(result.cost);
  json["environment"] = json_of(stored.environment);
  json["time"] = {{"started", stored.started},
                  {"train_seconds", result.train_seconds},
                  {"total_seconds", result.total_seconds}};
  return json;
}

StoredResult stored_result(const Json& json) {
  StoredResult stored;
  RunResult& result = stored.result;
  result.status = status_of(json.at("status"));
  json.at("message").get_to(result.message);
  json.at("steps").get_to(result.steps);
  const Json& metrics = json.at("metrics");
  result.train = metrics_of_json(metrics.at("train"));
  result.valid = metrics_of_json(metrics.at("valid"));
  result.test = metrics_of_json(metrics.at("test"));
  for (const Json& test : metrics.value("settings", Json::array()))
    result.settings.push_back(setting_metrics_of(test));
  result.cost = cost_of(json.at("cost"));
  stored.environment = environment_of(json.at("environment"));
  json.at("time").at("started").get_to(stored.started);
  result.train_seconds = number(json.at("time").at("train_seconds"));
  result.total_seconds = number(json.at("time").at("total_seconds"));
  return stored;
}

}  // namespace seqbench
