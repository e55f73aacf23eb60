#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/error.h"
#include "report/compare_score.h"
#include "report/compare_speed.h"
#include "report/summary.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostNamed = 6;

using Key = std::vector<std::pair<std::string, std::string>>;
using Groups = std::map<Key, Runs>;

bool contains(const Texts& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

// What must be the same on both sides: everything but the seed, what is measured or tested of other weights
// besides, and `allow`. The mechanism's name depends on the runs beside it; its options are here one by one. In
// what order a spec gives its settings says nothing.
Key key_of(const Record& record, const Texts& allow) {
  Key key = {{"experiment", record.experiment}};
  key.insert(key.end(), record.fields.begin(), record.fields.end());
  std::erase_if(key, [&](const auto& field) {
    const std::string& path = field.first;
    return path == "seed" || path == "mechanism" || path == "eval.best" || path.starts_with("measure.") ||
           contains(allow, path);
  });
  std::ranges::sort(key);
  return key;
}

// Runs may not be taken for seeds of one another that are none.
void refuse_pooled(const Runs& runs, const Texts& allow, const char* side) {
  for (const std::string& path : allow) {
    const auto other = std::ranges::find_if(
        runs, [&](const Record* run) { return run->field(path) != runs[0]->field(path); });
    if (other == runs.end()) continue;
    fail("--allow {}: {} has runs with {} and with {}, and which of them to compare is not said.", path, side,
         runs[0]->field(path), (*other)->field(path));
  }
}

Groups groups_of(const std::vector<Record>& records, const Texts& allow, const char* side) {
  Groups groups;
  for (const Record& record : records) groups[key_of(record, allow)].push_back(&record);
  for (const auto& [key, runs] : groups) refuse_pooled(runs, allow, side);
  return groups;
}

// Those whose key is not in `others`.
Groups without(const Groups& groups, const Groups& others) {
  Groups left;
  for (const auto& [key, runs] : groups) {
    if (!others.contains(key)) left.emplace(key, runs);
  }
  return left;
}

Texts differences(const Key& a, const Key& b) {
  const std::map<std::string, std::string> left(a.begin(), a.end()), right(b.begin(), b.end());
  Texts all;
  for (const auto& [path, value] : left) {
    const auto other = right.find(path);
    const std::string there = other == right.end() ? "absent" : other->second;
    if (there != value) all.push_back(fmt::format("{} is {} in BASE and {} in NEW", path, value, there));
  }
  for (const auto& [path, value] : right) {
    if (!left.contains(path)) all.push_back(fmt::format("{} is absent in BASE and {} in NEW", path, value));
  }
  return all;
}

// The least that tells the group from one of `others` in the same experiment and of the same mixer.
Texts nearest_difference(const Key& key, const Record& run, const Groups& others) {
  Texts nearest;
  for (const auto& [other, runs] : others) {
    if (runs[0]->experiment != run.experiment || runs[0]->field("model.mixer") != run.field("model.mixer"))
      continue;
    const Texts found = differences(key, other);
    if (nearest.empty() || found.size() < nearest.size()) nearest = found;
  }
  return nearest;
}

// What tells the groups of an experiment apart, short.
std::string label_of(const Record& record, const Texts& varying, const Texts& allow) {
  Texts parts = {record.field("mechanism")};
  for (const std::string& path : varying) {
    if (path != "mechanism" && !path.starts_with("measure.") && !contains(allow, path))
      parts.push_back(fmt::format("{}={}", path.substr(path.rfind('.') + 1), record.field(path)));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::set<std::string> processors(const std::vector<Record>& records) {
  std::set<std::string> found;
  for (const Record& record : records) {
    if (record.stored) found.insert(record.stored->environment.cpu);
  }
  return found;
}

class Comparer {
 public:
  explicit Comparer(const CompareRequest& request)
      : request_(request), base_(load_records(request.base)), fresh_(load_records(request.fresh)) {
    for (Records* side : {&base_, &fresh_}) {
      drop_copies(side->all);
      report_.problems.insert(report_.problems.end(), side->problems.begin(), side->problems.end());
    }
  }

  ComparisonReport operator()() {
    check_allowed();
    const Groups base = groups_of(base_.all, request_.allow, "BASE");
    const Groups fresh = groups_of(fresh_.all, request_.allow, "NEW");
    refuse_different(without(base, fresh), without(fresh, base));
    if (request_.speed) note_processors();
    for (const auto& [key, runs] : base) {
      if (fresh.contains(key)) add_group(runs, fresh.at(key));
    }
    fail_if(scores_.empty(), "BASE and NEW have no run in common.");
    decide(scores_);
    decide(speeds_, request_.speed_margin);
    for (const ScoreComparison& score : scores_) report_.rows.push_back(score.row);
    for (const SpeedFigure& speed : speeds_) report_.rows.push_back(speed.row);
    return std::move(report_);
  }

 private:
  void check_allowed() const {
    Runs all = pointers_to(base_.all);
    const Runs fresh = pointers_to(fresh_.all);
    all.insert(all.end(), fresh.begin(), fresh.end());
    for (const std::string& field : request_.allow) {
      const std::string whole = find_field(all, field);
      fail_if(whole != field, "--allow {}: expected a whole path, {}.", field, whole);
    }
  }

  // A group that only one side has is a problem; one that the other side has otherwise is refused.
  void refuse_different(const Groups& lost, const Groups& added) {
    for (const auto& [key, runs] : lost) {
      Texts found = nearest_difference(key, *runs[0], added);
      if (found.empty()) {
        report_.problems.push_back(fmt::format("{}: only in BASE.", runs[0]->id));
        continue;
      }
      const std::size_t more = found.size() - std::min(found.size(), kMostNamed);
      found.resize(found.size() - more);
      fail("{}: cannot be compared: {}{}. \"--allow PATH\" compares what differs in a setting all the same.",
           runs[0]->id, fmt::join(found, "; "), more > 0 ? fmt::format("; and {} more", more) : "");
    }
    for (const auto& [key, runs] : added)
      report_.problems.push_back(fmt::format("{}: only in NEW.", runs[0]->id));
  }

  void note_processors() {
    const auto before = processors(base_.all), after = processors(fresh_.all);
    if (before == after) return;
    report_.problems.push_back(fmt::format(
        "BASE ran on {} and NEW on {}: as shares of each machine's matrix products, speeds compare roughly.",
        fmt::join(before, ", "), fmt::join(after, ", ")));
  }

  // What varies within an experiment of BASE.
  const Texts& varying_in(const std::string& experiment) {
    const auto [entry, missing] = varying_.try_emplace(experiment);
    if (!missing) return entry->second;
    Runs runs = pointers_to(base_.all);
    std::erase_if(runs, [&](const Record* run) { return run->experiment != experiment; });
    return entry->second = varying_fields(runs);
  }

  void add_group(const Runs& base, const Runs& fresh) {
    const std::string name = label_of(*base[0], varying_in(base[0]->experiment), request_.allow);
    const auto named = [&](Compared& row) {
      row.experiment = base[0]->experiment;
      row.name = name;
    };
    for (ScoreComparison& score : compare_scores(base, fresh, request_.margin)) {
      named(score.row);
      scores_.push_back(std::move(score));
    }
    for (const std::string& test : tests_of_one_side(base, fresh))
      report_.problems.push_back(fmt::format("{}: the test at {} is not in both BASE and NEW.", name, test));
    if (!request_.speed) return;
    SpeedComparison speeds = compare_speeds(base, fresh);
    for (const std::string& problem : speeds.problems) report_.problems.push_back(name + ": " + problem);
    for (SpeedFigure& speed : speeds.figures) {
      named(speed.row);
      speeds_.push_back(std::move(speed));
    }
  }

  const CompareRequest& request_;
  Records base_, fresh_;
  std::map<std::string, Texts> varying_;  // by experiment
  std::vector<ScoreComparison> scores_;
  std::vector<SpeedFigure> speeds_;
  ComparisonReport report_;
};

}  // namespace

const char* name_of(Verdict verdict) {
  constexpr const char* kNames[] = {"same", "better", "worse", "can't tell"};
  return kNames[static_cast<int>(verdict)];
}

ComparisonReport compare(const CompareRequest& request) { return Comparer(request)(); }

}  // namespace seqbench
