// Results as reports read them, whoever ran them and wherever their folders have been copied since.
#pragma once
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "experiment/runner.h"

namespace seqbench {

struct Record {
  std::string experiment;        // name of the spec
  std::string id;                // of the run
  std::filesystem::path folder;  // where its files are
  Json result;                   // result.json; without figures for a run that is not finished
  std::optional<StoredResult> stored = {};
  // Paths of the resolved spec and the values there, in its order, as text: "train.lr" -> "0.002". Before
  // them "task", "mechanism" (with those of its options by which mechanisms of the same name differ here),
  // "task_version", "model_version" and, of a corpus, "data", a hash of its texts.
  std::vector<std::pair<std::string, std::string>> fields = {};

  bool ok() const { return stored && stored->result.status == Status::ok; }
  // "" for a path it does not have.
  std::string field(const std::string& path) const;
  // "diverged: loss is no number", "not finished"; "" when it is ok.
  std::string trouble() const;
};

using Runs = std::vector<const Record*>;
Runs pointers_to(const std::vector<Record>& records);

struct Records {
  std::vector<Record> all = {};
  Texts problems = {};  // a line for each folder or file that could not be used
};

// How mechanisms of the same name are told apart.
struct Naming {
  Texts over = {};      // fields whose values are no part of a name: "model.mixer.heads"
  bool across = false;  // by what differs anywhere, not only within an experiment
};

enum class Links { followed, left_alone };  // symbolic links to folders, below those that are given

// Folders of runs that have begun, finished or not, at any depth under `folders` (themselves included), each
// before those below it, in order, and each once, by however many links and folders it is reached. A folder
// that cannot be read counts as a run, so that what uses it says so.
std::vector<std::filesystem::path> runs_under(const std::vector<std::filesystem::path>& folders, Links links);

// Every result in the files and under the folders, at any depth, through links too, in order of their paths. What cannot be read (cut
// off, of a newer schema, a run that is not finished) is a problem.
Records read_records(const std::vector<std::filesystem::path>& folders);

// The result of the run whose folder it is, or the problem with it.
Records read_run(const std::filesystem::path& folder);

// Names their mechanisms and puts them in order: by experiment and field, numbers by their size.
void name_and_order(std::vector<Record>& records, const Naming& naming);

// read_records(), named and in order. Throws Error when a folder does not exist, or when none of them has a
// result.
Records load_records(const std::vector<std::filesystem::path>& folders);

// The runs of one experiment of a plan, in the order of its grid.
std::vector<Record> records_of(const Plan& plan, const Experiment& experiment, const Results& results);

// Each run of an experiment once, or, where experiments are put together, of all of them: the same settings
// and seed under two names are one run. The first result that is ok stays, else the first. Returns how many
// were taken out.
std::size_t drop_repeats(std::vector<Record>& records, bool across);

// Of results that are equal to the last digit, times included, one stays: the others are copies of its file.
void drop_copies(std::vector<Record>& records);

// curve.jsonl of the run, up to its first line that cannot be read; empty when it is not there.
std::vector<CurvePoint> load_curve(const Record& record);

}  // namespace seqbench
