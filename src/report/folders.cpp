#include "report/folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "experiment/format.h"
#include "experiment/table.h"
#include "report/metric.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> runs_in(const std::vector<fs::path>& folders) {
  std::vector<fs::path> runs;
  for (const fs::path& folder : folders) {
    fail_if(!fs::is_directory(folder), "{}: no such folder.", folder.string());
    const auto inside = runs_under(folder);
    runs.insert(runs.end(), inside.begin(), inside.end());
  }
  fail_if(runs.empty(), "no run found in the folder{} given; \"seqbench run --out\" makes some.",
          folders.size() == 1 ? "" : "s");
  return runs;
}

// The record of a run's folder, or what is wrong with it.
std::optional<Record> record_in(const fs::path& folder, std::string& trouble) {
  try {
    Records records = load_records({folder});
    trouble = records.all[0].trouble();
    return std::move(records.all[0]);
  } catch (const Error& error) {
    trouble = fs::exists(folder / "result.json") ? error.what() : "not finished";
    return std::nullopt;
  }
}

Record record_of_run(const fs::path& folder) {
  Records records = load_records({folder});
  fail_if(records.all.size() > 1, "{}: holds {} runs; expected the folder of one.", folder.string(),
          records.all.size());
  return std::move(records.all[0]);
}

std::map<std::string, std::string> described(const Record& record) {
  std::map<std::string, std::string> values;
  for (const auto& [path, value] : record.fields) values["spec." + path] = value;
  for (const auto& [key, value] : record.result.at("environment").items())
    values["environment." + key] = value.is_string() ? value.get<std::string>() : value.dump();
  for (const std::string& name : metric_names({record})) {
    if (!name.starts_with("environment.")) values[name] = metric_text(name, metric(record, name));
  }
  values["status"] = record.ok() ? "ok" : record.trouble();
  return values;
}

}  // namespace

std::string list_runs_text(const std::vector<fs::path>& folders) {
  Table table;
  for (const char* name : {"run", "status"}) table.add_column(name, Align::left);
  for (const char* name : {"test accuracy", "test loss", "time", "started"})
    table.add_column(name, Align::right);
  for (const fs::path& folder : runs_in(folders)) {
    std::string trouble;
    const auto record = record_in(folder, trouble);
    if (!record) {
      table.add_row({folder.string(), cut(trouble, 60), "", "", "", ""});
      continue;
    }
    table.add_row({folder.string(), trouble.empty() ? "ok" : cut(trouble, 60),
                   metric_text("test.accuracy", metric(*record, "test.accuracy")),
                   metric_text("test.loss", metric(*record, "test.loss")),
                   short_duration(record->stored->result.total_seconds), record->stored->started});
  }
  return table.text();
}

std::string diff_text(const fs::path& a, const fs::path& b) {
  const auto left = described(record_of_run(a));
  const auto right = described(record_of_run(b));
  std::map<std::string, std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : left) all[name].first = value;
  for (const auto& [name, value] : right) all[name].second = value;
  Table table;
  for (const std::string& name : {std::string("differs in"), a.filename().string(), b.filename().string()})
    table.add_column(name, Align::left);
  for (const auto& [name, values] : all) {
    if (values.first != values.second)
      table.add_row(
          {name, values.first.empty() ? "-" : values.first, values.second.empty() ? "-" : values.second});
  }
  return table.cells().empty() ? "The runs differ in nothing.\n" : table.text();
}

std::vector<fs::path> run_folders(const std::vector<fs::path>& folders, bool failed) {
  std::vector<fs::path> runs = runs_in(folders);
  std::erase_if(runs, [&](const fs::path& folder) {
    std::string trouble;
    record_in(folder, trouble);
    return failed && trouble.empty();
  });
  return runs;
}

}  // namespace seqbench
