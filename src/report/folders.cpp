#include "report/folders.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "base/error.h"
#include "experiment/format.h"
#include "experiment/run_files.h"
#include "experiment/run_lock.h"
#include "experiment/table.h"
#include "report/metric.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> runs_in(const std::vector<fs::path>& folders, Links links) {
  for (const fs::path& folder : folders) {
    std::error_code error;
    const bool is_folder = fs::is_directory(folder, error);
    fail_if(!is_folder, "{}: no such folder{}", folder.string(), error ? ": " + error.message() + "." : ".");
  }
  const std::vector<fs::path> runs = runs_under(folders, links);
  fail_if(runs.empty(), "no run found in the folder{} given; \"seqbench run --out\" makes some.",
          folders.size() == 1 ? "" : "s");
  return runs;
}

// The record of a run's folder; none when there is none that can be read, and then what is wrong.
std::optional<Record> record_in(const fs::path& folder, std::string& trouble) {
  Records records = read_run(folder);
  if (!records.all.empty()) {
    trouble = records.all[0].trouble();
    return std::move(records.all[0]);
  }
  trouble = records.problems[0];
  trouble.erase(0, trouble.find(": ", folder.string().size()) + 2);  // the row says where
  return std::nullopt;
}

// Ended badly, never ended, or cut off: not one that another version of this program can read.
bool is_failed(const fs::path& folder) {
  std::string trouble;
  if (const auto record = record_in(folder, trouble)) return !record->ok();
  // A link that points nowhere now may point to a good result when its disk is back.
  if (!fs::exists(fs::symlink_status(folder / "result.json"))) return true;
  std::ifstream in(folder / "result.json");
  return in && !Json::accept(in);
}

void refuse_links(const std::vector<fs::path>& folders) {
  for (const fs::path& folder : folders) {
    // Of "link/" the system would look at what it points to.
    const fs::path name = (folder / "").lexically_normal().parent_path();
    if (fs::is_symlink(name))
      fail("{}: is a symbolic link to {}; name the folder itself.", name.string(),
           fs::read_symlink(name).string());
  }
}

// Names in a run's folder that no run has written.
Texts foreign_names(const fs::path& folder) {
  Texts names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (name != kLockFile && !is_of_a_run(entry.path())) names.push_back(name);
  }
  std::ranges::sort(names);
  return names;
}

// Removes a folder that is empty but for the lock, which ends with it.
void remove_folder(const fs::path& folder, std::optional<RunLock>& lock) {
  lock.reset();
  std::error_code error;
  fs::remove(folder, error);
  // Another process may have begun the run again.
  if (error && error != std::errc::directory_not_empty) throw fs::filesystem_error("", folder, error);
}

// Returns the line that tells of it.
std::string remove_run(const fs::path& folder, std::optional<RunLock>& lock, bool really) try {
  const Texts foreign = foreign_names(folder);
  const bool nothing = std::ranges::none_of(fs::directory_iterator(folder),
                                            [](const auto& entry) { return is_of_a_run(entry.path()); });
  fail_if(nothing && !foreign.empty(), "{}: is left as it is: no run has written what is there: {}.",
          folder.string(), cut(fmt::format("{}", fmt::join(foreign, ", ")), 60));
  if (really) {
    forget_run(folder);
    if (foreign.empty()) remove_folder(folder, lock);
  }
  return fmt::format("{} {}{}", really ? "removed" : "would remove", folder.string(),
                     foreign.empty() ? ""
                                     : fmt::format(", but not what no run has written there: {}",
                                                   cut(fmt::format("{}", fmt::join(foreign, ", ")), 60)));
} catch (const fs::filesystem_error& error) {
  fail("{}: cannot be removed: {}.", folder.string(), error.code().message());
}

Record record_of_run(const fs::path& folder) {
  Records records = load_records({folder});
  fail_if(records.all.size() > 1, "{}: holds {} runs; expected the folder of one.", folder.string(),
          records.all.size());
  return std::move(records.all[0]);
}

struct Described {
  std::string exact = "-";
  std::string shown = "-";
};

std::map<std::string, Described> described(const Record& record) {
  std::map<std::string, Described> values;
  const auto add = [&](const std::string& name, const std::string& text) { values[name] = {text, text}; };
  for (const auto& [path, value] : record.fields) add("spec." + path, value);
  for (const auto& [key, value] : record.result.at("environment").items())
    add("environment." + key, value.is_string() ? value.get<std::string>() : value.dump());
  for (const std::string& name : metric_names({record})) {
    if (name.starts_with("environment.")) continue;
    const double value = metric(record, name);
    values[name] = {fmt::format("{}", value), metric_text(name, value)};
  }
  add("status", record.ok() ? "ok" : record.trouble());
  return values;
}

}  // namespace

std::string list_runs_text(const std::vector<fs::path>& folders) {
  Table table;
  for (const char* name : {"run", "status"}) table.add_column(name, Align::left);
  for (const char* name : {"tests", "test accuracy", "test loss", "time", "started"})
    table.add_column(name, Align::right);
  for (const fs::path& folder : runs_in(folders, Links::followed)) {
    std::string trouble;
    const auto record = record_in(folder, trouble);
    const std::string running = running_text(folder);
    const std::string status = trouble.empty() ? "ok" : !running.empty() ? running : cut(trouble, 60);
    if (!record) {
      table.add_row({folder.string(), status, "", "", "", "", ""});
      continue;
    }
    const RunResult& result = record->stored->result;
    table.add_row({folder.string(), status,
                   std::to_string((result.test.examples > 0 ? 1 : 0) + result.settings.size()),
                   metric_text("test.accuracy", metric(*record, "test.accuracy")),
                   metric_text("test.loss", metric(*record, "test.loss")),
                   short_duration(result.total_seconds), record->stored->started});
  }
  return table.text();
}

std::string diff_text(const fs::path& a, const fs::path& b) {
  const auto left = described(record_of_run(a));
  const auto right = described(record_of_run(b));
  std::map<std::string, std::pair<Described, Described>> all;
  for (const auto& [name, value] : left) all[name].first = value;
  for (const auto& [name, value] : right) all[name].second = value;
  Table table;
  for (const std::string& name : {std::string("differs in"), a.string(), b.string()})
    table.add_column(name, Align::left);
  for (const auto& [name, values] : all) {
    const auto& [left_value, right_value] = values;
    if (left_value.exact == right_value.exact) continue;
    const bool told = left_value.shown != right_value.shown;
    table.add_row(
        {name, told ? left_value.shown : left_value.exact, told ? right_value.shown : right_value.exact});
  }
  return table.cells().empty() ? "The runs differ in nothing.\n" : table.text();
}

Removal remove_runs(const RemovalRequest& request) {
  refuse_links(request.folders);
  Removal removal;
  std::vector<fs::path> runs;
  // Before any goes: a folder above runs must not count as one because they went.
  for (const fs::path& folder : runs_in(request.folders, Links::left_alone)) {
    if (request.failed && !is_failed(folder)) continue;
    if (runs_under({folder}, Links::left_alone).size() == 1) {
      runs.push_back(folder);
    } else {
      removal.left.push_back(fmt::format(
          "{}: is left as it is: it has files like those of a run, and runs below it; remove those "
          "files by hand.",
          folder.string()));
    }
  }
  for (const fs::path& folder : runs) {
    try {
      std::optional<RunLock> lock(folder);
      fail_if(!lock->taken(), "{}: is left as it is: {}.", folder.string(), lock->holder());
      // It may have ended well since it was looked at.
      if (!request.failed || is_failed(folder)) removal.removed.push_back(remove_run(folder, lock, request.really));
    } catch (const Error& error) {
      removal.left.emplace_back(error.what());
    }
  }
  return removal;
}

}  // namespace seqbench
