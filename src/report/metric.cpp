#include "report/metric.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "experiment/format.h"
#include "experiment/slice_text.h"

namespace seqbench {
namespace {

bool of_split(const std::string& name) {
  return name.starts_with("train.") || name.starts_with("valid.") || name.starts_with("test.");
}

constexpr std::string_view kBest = "best.";

// "best.test.accuracy" is of the weights with the best validation.
bool of_best(const std::string& name) {
  return name.starts_with(kBest) && of_split(name.substr(kBest.size()));
}

std::string last_part(const std::string& name) {
  const std::string path = name.substr(0, name.find('@'));
  return path.substr(path.rfind('.') + 1);
}

const Json* find(const Json* json, const std::string& key) {
  return json != nullptr && json->is_object() && json->contains(key) ? &json->at(key) : nullptr;
}

// `tests` are those of `metrics`.
const Json* further_test(const Json& metrics, const std::vector<SettingMetrics>& tests,
                         const std::string& at) {
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const std::string name = name_of(tests[i]);
    if (name == at || name == "length=" + at) return &metrics.at("settings").at(i);
  }
  return nullptr;
}

double number_of(const Json* json) {
  return json != nullptr && json->is_number() ? json->get<double>() : kNone;
}

// "test.accuracy", or "test.accuracy@256" of a further test, which are of test alone.
double score_of(const Json* metrics, const std::vector<SettingMetrics>& tests, const std::string& name) {
  if (metrics == nullptr) return kNone;
  const std::size_t sign = name.find('@');
  const std::string split = name.substr(0, name.find('.'));
  if (name.substr(0, sign) != split + "." + last_part(name) || name.ends_with('@')) return kNone;
  if (sign == std::string::npos) return number_of(find(find(metrics, split), last_part(name)));
  if (split != "test") return kNone;
  return number_of(find(further_test(*metrics, tests, name.substr(sign + 1)), last_part(name)));
}

const Json* at_context(const Json* by_context, const std::string& at, std::int64_t task_length) {
  if (by_context == nullptr || !by_context->is_object() || by_context->empty()) return nullptr;
  if (at == "task") return find(by_context, std::to_string(task_length));
  return at == "longest" ? &std::prev(by_context->end()).value() : find(by_context, at);
}

// Names of the numbers of an object, each with `prefix` before and `suffix` after it; of an object of numbers
// (those by context) with "@" and the key.
void add_numbers(const Json& object, const std::string& prefix, const std::string& suffix,
                 std::set<std::string>& names) {
  if (!object.is_object()) return;
  for (const auto& [key, value] : object.items()) {
    if (value.is_number()) names.insert(prefix + key + suffix);
    if (!value.is_object() || key == "setting") continue;
    for (const auto& [at, inner] : value.items()) {
      if (inner.is_number()) names.insert(fmt::format("{}{}@{}", prefix, key, at));
    }
  }
}

void add_scores(const Json& metrics, const std::vector<SettingMetrics>& tests, const std::string& prefix,
                std::set<std::string>& names) {
  for (const char* split : {"train", "valid", "test"}) {
    if (const Json* scores = find(&metrics, split)) add_numbers(*scores, prefix + split + ".", "", names);
  }
  for (std::size_t i = 0; i < tests.size(); ++i)
    add_numbers(metrics.at("settings").at(i), prefix + "test.", "@" + name_of(tests[i]), names);
}

}  // namespace

double metric(const Record& record, const std::string& name) {
  if (!record.stored) return kNone;
  const RunResult& result = record.stored->result;
  if (of_split(name)) return score_of(find(&record.result, "metrics"), result.settings, name);
  if (of_best(name)) {
    const Json* metrics = find(find(&record.result, "best"), "metrics");
    return result.best ? score_of(metrics, result.best->settings, name.substr(kBest.size())) : kNone;
  }
  const std::size_t sign = name.find('@');
  const std::string path = name.substr(0, sign);
  const std::string at = sign == std::string::npos ? "" : name.substr(sign + 1);
  const std::string first = path.substr(0, path.find('.'));
  if (path != first + "." + last_part(name) || name.ends_with('@')) return kNone;
  const Json* json = find(find(&record.result, first), last_part(name));
  return number_of(at.empty() ? json : at_context(json, at, result.cost.task_length));
}

Texts metric_names(const std::vector<Record>& records) {
  std::set<std::string> names;
  for (const Record& record : records) {
    if (!record.stored) continue;
    const RunResult& result = record.stored->result;
    add_scores(record.result.at("metrics"), result.settings, "", names);
    if (result.best) {
      names.insert("best.step");
      if (result.best->test.examples > 0)
        add_scores(record.result.at("best").at("metrics"), result.best->settings, "best.", names);
    }
    for (const char* section : {"cost", "time", "environment"})
      add_numbers(record.result.at(section), std::string(section) + ".", "", names);
  }
  return {names.begin(), names.end()};
}

void check_metric(const std::vector<Record>& records, const std::string& name) {
  const bool known =
      std::ranges::any_of(records, [&](const Record& record) { return std::isfinite(metric(record, name)); });
  fail_if(!known, "{}", unknown_name("metric", name, "report", metric_names(records)));
}

std::map<std::string, double> metric_by_seed(const Runs& runs, const std::string& name) {
  std::map<std::string, double> values;
  for (const Record* run : runs) {
    if (run->ok() && std::isfinite(metric(*run, name))) values[run->field("seed")] = metric(*run, name);
  }
  return values;
}

AtCommonSeeds at_common_seeds(const std::map<std::string, double>& a,
                              const std::map<std::string, double>& b) {
  AtCommonSeeds common;
  for (const auto& [seed, value] : a) {
    if (!b.contains(seed)) continue;
    common.a.push_back(value);
    common.b.push_back(b.at(seed));
  }
  return common;
}

std::string metric_text(const std::string& name, double value) {
  if (!std::isfinite(value)) return "-";
  const std::string last = last_part(name);
  if (last.ends_with("bytes")) return short_bytes(static_cast<std::int64_t>(value));
  if (last.ends_with("seconds")) return short_duration(value);
  const bool counted = name.starts_with("cost.") || name.starts_with("environment.") || last == "errors" ||
                       last == "examples" || last == "labels" || last == "step";
  return counted ? short_number(value) : share(value);
}

double step_of(const Runs& runs, const std::string& name) {
  const std::string last = last_part(name);
  if (last != "accuracy" && last != "exact") return 0;
  std::string counted = name;
  counted.replace(name.substr(0, name.find('@')).rfind('.') + 1, last.size(),
                  last == "accuracy" ? "labels" : "examples");
  double step = 0;
  for (const Record* run : runs) {
    const double n = run->ok() ? metric(*run, counted) : kNone;
    if (n > 0) step = std::max(step, 1 / n);
  }
  return step;
}

bool larger_is_better(const std::string& name) {
  const std::string last = last_part(name);
  return last == "accuracy" || last == "exact" || last.ends_with("tokens_per_s");
}

}  // namespace seqbench
