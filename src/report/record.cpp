#include "report/record.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "base/error.h"
#include "experiment/run_lock.h"
#include "experiment/evaluations.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::string plain(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// "softmax", "slstm+mlstm" for a pattern of layers.
std::string short_name(const Json& mixer) {
  if (!mixer.is_array()) return plain(mixer.at("name"));
  Texts names;
  for (const Json& part : mixer) names.push_back(short_name(part));
  return fmt::format("{}", fmt::join(names, "+"));
}

// Options of one mechanism of a pattern are told apart by its place: "0.heads".
std::map<std::string, std::string> mixer_options(const Json& mixer) {
  std::map<std::string, std::string> options;
  const Json parts = mixer.is_array() ? mixer : Json::array({mixer});
  for (std::size_t i = 0; i < parts.size(); ++i) {
    for (const auto& [key, value] : parts[i].items()) {
      if (key != "name") options[mixer.is_array() ? fmt::format("{}.{}", i, key) : key] = plain(value);
    }
  }
  return options;
}

const Json& mixer_of(const Record& record) { return record.result.at("spec").at("model").at("mixer"); }

// "softmax window=2" where softmax comes with several windows.
void name_mechanisms(std::vector<Record>& records, const Naming& naming) {
  const auto shared_name = [&](const Record& record) {
    return (naming.across ? "" : record.experiment) + "/" + short_name(mixer_of(record));
  };
  std::map<std::string, std::map<std::string, std::set<std::string>>> values;
  for (const Record& record : records) {
    auto& options = values[shared_name(record)];
    for (const auto& [option, value] : mixer_options(mixer_of(record))) options[option].insert(value);
  }
  // A program that did not know an option wrote none.
  for (const Record& record : records) {
    const auto own = mixer_options(mixer_of(record));
    for (auto& [option, seen] : values[shared_name(record)]) {
      if (!own.contains(option)) seen.insert("");
    }
  }
  for (Record& record : records) {
    std::string label = short_name(mixer_of(record));
    for (const auto& [option, value] : mixer_options(mixer_of(record))) {
      const bool selected = std::ranges::find(naming.over, "model.mixer." + option) != naming.over.end();
      if (!selected && values[shared_name(record)][option].size() > 1)
        label += fmt::format(" {}={}", option, value);
    }
    std::ranges::find(record.fields, "mechanism", &std::pair<std::string, std::string>::first)->second =
        label;
  }
}

std::vector<std::pair<std::string, std::string>> fields_of(const Json& result) {
  const Json& spec = result.at("spec");
  std::vector<std::pair<std::string, std::string>> fields = {{"task", plain(spec.at("task").at("name"))},
                                                             {"mechanism", ""}};
  for (const char* key : {"task_version", "model_version", "data"}) {
    if (result.contains(key)) fields.emplace_back(key, plain(result.at(key)));
  }
  for (const char* section : {"task", "model", "train", "eval", "measure"}) {
    for (const auto& [key, value] : spec.at(section).items()) {
      const std::string path = fmt::format("{}.{}", section, key);
      if (path != "task.name" && path != "model.mixer") fields.emplace_back(path, plain(value));
    }
  }
  fields.emplace_back("model.mixer", short_name(spec.at("model").at("mixer")));
  for (const auto& [option, value] : mixer_options(spec.at("model").at("mixer")))
    fields.emplace_back("model.mixer." + option, value);
  fields.emplace_back("seed", spec.at("seed").dump());
  return fields;
}

Record record_of(const fs::path& file) {
  Json json = read_json(file);
  StoredResult stored = stored_result(json, file.string());
  Record record{.experiment = json.at("spec").at("name"),
                .id = json.at("id"),
                .folder = file.parent_path(),
                .result = std::move(json),
                .stored = std::move(stored)};
  record.fields = fields_of(record.result);
  return record;
}

bool is_run(const fs::path& folder) {
  std::error_code unreadable;
  return has_lock_file(folder) || std::ranges::any_of(
      std::initializer_list<const char*>{"result.json", "curve.jsonl", kCheckpoint},
      [&](const char* name) { return fs::exists(folder / name, unreadable) || unreadable; });
}

class RunFinder {
 public:
  explicit RunFinder(Links links) : links_(links) {}

  void visit(const fs::path& folder) {
    if (!visited_.insert(identity_of(folder)).second) return;
    std::error_code unreadable;
    std::vector<fs::path> inner;
    for (const auto& entry : fs::directory_iterator(folder, unreadable)) {
      if (is_to_be_visited(entry)) inner.push_back(entry.path());
    }
    if (is_run(folder) || unreadable) runs_.push_back(folder);
    std::ranges::sort(inner);
    for (const fs::path& path : inner) visit(path);
  }

  std::vector<fs::path> take_runs() { return std::move(runs_); }

 private:
  // Links may lead to one folder by several ways, or round in a circle.
  static fs::path identity_of(const fs::path& folder) {
    std::error_code error;
    const fs::path real = fs::canonical(folder, error);
    return error ? fs::absolute(folder).lexically_normal() : real;
  }

  bool is_to_be_visited(const fs::directory_entry& entry) const {
    std::error_code error;  // of a link that points nowhere
    return entry.is_directory(error) && (links_ == Links::followed || !entry.is_symlink(error));
  }

  Links links_;
  std::set<fs::path> visited_;
  std::vector<fs::path> runs_;
};

void add_kept_tests(Record& record) {
  for (const SettingMetrics& test : add_evaluations(record.folder, record.stored->result))
    record.result["metrics"]["settings"].push_back(further_test_json(test));
}

void load_file(const fs::path& file, Records& records) {
  try {
    records.all.push_back(record_of(file));
    // Without them the result still is one.
    try {
      add_kept_tests(records.all.back());
    } catch (const Error& error) {
      records.problems.emplace_back(error.what());
    }
  } catch (const NewerResult& error) {
    records.problems.push_back(fmt::format("{} Report with that one.", error.what()));
  } catch (const Error& error) {
    records.problems.push_back(fmt::format("{} Move that file away, or run its spec again.", error.what()));
  }
}

void load_run(const fs::path& run, Records& records) {
  std::error_code unreadable;
  if (fs::exists(run / "result.json", unreadable)) {
    load_file(run / "result.json", records);
  } else if (unreadable || ::access(run.c_str(), R_OK | X_OK) != 0) {
    records.problems.push_back(fmt::format("{}: cannot be read: Permission denied.", run.string()));
  } else {
    records.problems.push_back(fmt::format("{}: is not finished.", run.string()));
  }
}

// Numbers by their size, text by its letters.
bool field_less(const std::string& a, const std::string& b) {
  const bool numbers =
      Json::accept(a) && Json::accept(b) && Json::parse(a).is_number() && Json::parse(b).is_number();
  return numbers ? Json::parse(a).get<double>() < Json::parse(b).get<double>() : a < b;
}

Json json_or_null(const std::string& text) try { return parse_json(text, ""); } catch (const Error&) {
  return nullptr;
}

bool record_less(const Record& a, const Record& b) {
  if (a.experiment != b.experiment) return a.experiment < b.experiment;
  for (std::size_t i = 0; i < std::min(a.fields.size(), b.fields.size()); ++i) {
    if (a.fields[i] == b.fields[i]) continue;
    if (a.fields[i].first != b.fields[i].first) return a.fields[i].first < b.fields[i].first;
    return field_less(a.fields[i].second, b.fields[i].second);
  }
  return a.fields.size() < b.fields.size();
}

}  // namespace

std::vector<fs::path> runs_under(const std::vector<fs::path>& folders, Links links) {
  RunFinder finder(links);
  for (const fs::path& folder : folders) finder.visit(folder);
  return finder.take_runs();
}

Runs pointers_to(const std::vector<Record>& records) {
  Runs runs;
  for (const Record& record : records) runs.push_back(&record);
  return runs;
}

std::string Record::field(const std::string& path) const {
  const auto found = std::ranges::find(fields, path, &std::pair<std::string, std::string>::first);
  return path == "experiment" ? experiment : found == fields.end() ? "" : found->second;
}

std::string Record::trouble() const {
  if (ok()) return "";
  if (!stored) return "not finished";
  std::string text = fmt::format("{}: {}", name_of(stored->result.status), stored->result.message);
  std::ranges::replace(text, '\n', ' ');  // it stands in tables
  return text;
}

Records read_records(const std::vector<fs::path>& folders) {
  Records records;
  std::vector<fs::path> above_runs;
  for (const fs::path& folder : folders) {
    std::error_code error;
    const bool is_there = fs::exists(folder, error);
    fail_if(!is_there,
            "{}: no such folder{}; expected one that \"seqbench run --out\" has made.", folder.string(),
            error ? " (" + error.message() + ")" : "");
    if (fs::is_directory(folder, error)) {
      above_runs.push_back(folder);
    } else {
      load_file(folder, records);
    }
  }
  for (const fs::path& run : runs_under(above_runs, Links::followed)) load_run(run, records);
  return records;
}

Records read_run(const fs::path& folder) {
  Records records;
  load_run(folder, records);
  return records;
}

void name_and_order(std::vector<Record>& records, const Naming& naming) {
  name_mechanisms(records, naming);
  std::ranges::stable_sort(records, record_less);
}

Records load_records(const std::vector<fs::path>& folders) {
  Records records = read_records(folders);
  Texts names;
  for (const fs::path& folder : folders) names.push_back(folder.string());
  fail_if(records.all.empty(), "{}: no result found{}{}", fmt::join(names, ", "),
          records.problems.empty() ? "; \"seqbench run --out\" makes some." : ":\n  ",
          fmt::join(records.problems, "\n  "));
  name_and_order(records.all, {});
  return records;
}

std::vector<Record> records_of(const Plan& plan, const Experiment& experiment, const Results& results) {
  std::vector<Record> records;
  for (const Experiment::Member& member : experiment.members) {
    const PlannedRun& run = plan.runs[member.run];
    Record record{.experiment = experiment.name, .id = run.id, .folder = run.folder, .result = Json()};
    record.stored = results[member.run];
    // What a run that is not finished is, a result would say in the same keys.
    record.result = result_json(run, record.stored.value_or(StoredResult()));
    record.fields = fields_of(record.result);
    records.push_back(std::move(record));
  }
  name_mechanisms(records, {.over = experiment.grid.select.over});
  return records;
}

std::size_t drop_repeats(std::vector<Record>& records, bool across) {
  const auto key_of = [&](const Record& record) {
    std::string key;
    for (const auto& [path, value] : record.fields)
      key += path == "mechanism" ? "" : path + "=" + value + "\n";
    return across ? key : record.experiment + "\n" + key;
  };
  std::map<std::string, const Record*> kept;
  for (const Record& record : records) {
    const Record*& first = kept[key_of(record)];
    if (first == nullptr || (record.ok() && !first->ok())) first = &record;
  }
  std::vector<Record> once;
  for (const Record& record : records) {
    if (kept[key_of(record)] == &record) once.push_back(record);
  }
  const std::size_t repeats = records.size() - once.size();
  records = std::move(once);
  return repeats;
}

void drop_copies(std::vector<Record>& records) {
  std::set<std::string> seen;
  std::erase_if(records, [&](const Record& record) { return !seen.insert(record.result.dump()).second; });
}

std::vector<CurvePoint> load_curve(const Record& record) {
  std::vector<CurvePoint> curve;
  const fs::path file = record.folder / "curve.jsonl";
  std::error_code missing;
  if (!fs::is_regular_file(file, missing)) return curve;
  std::ifstream in(file);
  const auto number = [](const Json& json, const char* key) {
    return json.contains(key) && json.at(key).is_number() ? json.at(key).get<double>() : std::nan("");
  };
  for (std::string line; std::getline(in, line);) {
    const Json json = json_or_null(line);
    if (!json.is_object() || !json.contains("step") || !json.at("step").is_number_integer()) break;
    curve.push_back({.step = json.at("step").get<std::int64_t>(),
                     .lr = number(json, "lr"),
                     .train_loss = number(json, "train_loss"),
                     .train_accuracy = number(json, "train_accuracy"),
                     .gradient_norm = number(json, "gradient_norm"),
                     .valid_loss = number(json, "valid_loss"),
                     .valid_accuracy = number(json, "valid_accuracy")});
  }
  return curve;
}

}  // namespace seqbench
