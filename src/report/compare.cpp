#include "report/compare.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>

#include "base/error.h"
#include "report/compare_speed.h"
#include "report/metric.h"
#include "report/plot.h"
#include "report/summary.h"

namespace seqbench {
namespace {

constexpr double kSmall = 0.05;
constexpr std::size_t kMostNamed = 6;

using Key = std::vector<std::pair<std::string, std::string>>;

// What must be the same on both sides: everything but the seed, what is measured besides, and `allow`.
Key key_of(const Record& record, const Texts& allow) {
  Key key = {{"experiment", record.experiment}};
  for (const auto& [path, value] : record.fields) {
    const bool free = path == "seed" || path == "mechanism" || path.starts_with("measure.") ||
                      std::ranges::find(allow, path) != allow.end();
    if (!free) key.emplace_back(path, value);
  }
  return key;
}

std::map<Key, Runs> groups_of(const std::vector<Record>& records, const Texts& allow) {
  std::map<Key, Runs> groups;
  for (const Record& record : records) groups[key_of(record, allow)].push_back(&record);
  return groups;
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

// The least that tells `key` from some group of `others` in the same experiment and of the same mechanism.
Texts nearest_difference(const Key& key, const std::string& mechanism, const std::map<Key, Runs>& others) {
  Texts nearest;
  for (const auto& [other, runs] : others) {
    if (other[0] != key[0] || runs[0]->field("mechanism") != mechanism) continue;
    const Texts found = differences(key, other);
    if (nearest.empty() || found.size() < nearest.size()) nearest = found;
  }
  return nearest;
}

std::vector<double> values_of(const std::map<std::string, double>& by_seed) {
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed) values.push_back(value);
  return values;
}

// Of one run each, from the intervals over its test examples.
Comparison compare_single(const Record& a, const Record& b, const std::string& name) {
  const double difference = metric(b, name) - metric(a, name);
  const auto error = [](const Record& run) {
    const Interval& interval = run.stored->result.test.accuracy_interval;
    return (interval.high - interval.low) / (2 * 1.96);
  };
  const double both = name == "test.accuracy" ? std::hypot(error(a), error(b)) : kNoFigure;
  return {difference,
          {difference - 1.96 * both, difference + 1.96 * both},
          std::isfinite(both) ? std::erfc(std::abs(difference) / both / std::sqrt(2.0)) : 1.0,
          both};
}

struct Scored {
  Compared row;
  Comparison comparison;
  double margin = 0;
  double sign = 1;  // of what is better
};

Scored scored(const Runs& base, const Runs& fresh, const std::string& name, const CompareRequest& request) {
  const auto a = metric_by_seed(base, name);
  const auto b = metric_by_seed(fresh, name);
  Scored s;
  s.row.figure = name;
  s.row.base_runs = a.size();
  s.row.fresh_runs = b.size();
  s.row.base = a.empty() ? kNoFigure : mean(values_of(a));
  s.row.fresh = b.empty() ? kNoFigure : mean(values_of(b));
  s.sign = larger_is_better(name) ? 1 : -1;
  s.margin = larger_is_better(name) ? request.margin : request.margin * s.row.base;
  const auto [left, right] = at_common_seeds(a, b);
  if (left.size() > 1) {
    s.comparison = compare_paired(left, right);
    s.row.why = fmt::format("{} common seeds", left.size());
  } else if (a.size() > 1 && b.size() > 1) {
    s.comparison = compare_unpaired(values_of(a), values_of(b));
    s.row.why = "different seeds";
  } else if (!a.empty() && !b.empty()) {
    s.comparison = compare_single(*base[0], *fresh[0], name);
    s.row.why = "one run, over its examples";
  }
  s.row.interval = s.comparison.interval;
  return s;
}

void decide(Scored& s, double p) {
  Compared& row = s.row;
  const double gain = s.sign * s.comparison.difference;
  const Interval& i = s.comparison.interval;
  if (p < kSmall && std::abs(gain) > s.margin) {
    row.verdict = gain > 0 ? Verdict::better : Verdict::worse;
    row.why += fmt::format(", p = {:.2g}", p);
  } else if (i.low >= -s.margin && i.high <= s.margin) {
    row.verdict = Verdict::same;
  } else {
    row.why += "; " + more_needed((i.high - i.low) / 2, std::max(std::abs(gain), s.margin),
                                  std::min(row.base_runs, row.fresh_runs));
  }
}

// What tells the groups of an experiment apart, short.
std::string label_of(const Record& record, const Texts& varying) {
  Texts parts = {record.field("mechanism")};
  for (const std::string& path : varying) {
    if (path != "mechanism" && !path.starts_with("measure."))
      parts.push_back(fmt::format("{}={}", path.substr(path.rfind('.') + 1), record.field(path)));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string scored_by(const Runs& runs) {
  return selecting_metric(runs) == "valid.loss" ? "test.loss" : "test.accuracy";
}

std::size_t not_ok(const Runs& runs) {
  return static_cast<std::size_t>(std::ranges::count_if(runs, [](const Record* run) { return !run->ok(); }));
}

class Comparer {
 public:
  explicit Comparer(const CompareRequest& request)
      : request_(request), base_(load_records(request.base)), fresh_(load_records(request.fresh)) {
    for (const Records* side : {&base_, &fresh_})
      report_.problems.insert(report_.problems.end(), side->problems.begin(), side->problems.end());
  }

  ComparisonReport operator()() {
    check_allowed();
    const auto base = groups_of(base_.all, request_.allow);
    const auto fresh = groups_of(fresh_.all, request_.allow);
    refuse_different(base, fresh);
    for (const auto& [key, runs] : base) {
      if (fresh.contains(key)) add_group(runs, fresh.at(key), label_of(*runs[0], varying(key[0].second)));
    }
    fail_if(report_.rows.empty() && scored_.empty(), "BASE and NEW have no run in common.");
    finish_scores();
    return std::move(report_);
  }

 private:
  void check_allowed() const {
    Runs all;
    for (const Record& record : base_.all) all.push_back(&record);
    for (const std::string& field : request_.allow) {
      fail_if(find_field(all, field) != field, "--allow {}: expected a whole path, {}.", field,
              find_field(all, field));
    }
  }

  Texts varying(const std::string& experiment) const {
    Runs runs;
    for (const Record& record : base_.all) {
      if (record.experiment == experiment) runs.push_back(&record);
    }
    return varying_fields(runs);
  }

  void refuse_different(const std::map<Key, Runs>& base, const std::map<Key, Runs>& fresh) {
    for (const auto& [key, runs] : fresh) {
      if (!base.contains(key) && nearest_difference(key, runs[0]->field("mechanism"), base).empty())
        report_.problems.push_back(fmt::format("{}: only in NEW.", runs[0]->id));
    }
    for (const auto& [key, runs] : base) {
      if (fresh.contains(key)) continue;
      Texts found = nearest_difference(key, runs[0]->field("mechanism"), fresh);
      if (found.empty()) {
        report_.problems.push_back(fmt::format("{}: only in BASE.", runs[0]->id));
        continue;
      }
      const std::size_t more = found.size() - std::min(found.size(), kMostNamed);
      found.resize(found.size() - more);
      fail("{}: cannot be compared: {}{}. \"--allow PATH\" compares what differs in a setting all the same.",
           runs[0]->id, fmt::join(found, "; "), more > 0 ? fmt::format("; and {} more", more) : "");
    }
  }

  void add_group(const Runs& base, const Runs& fresh, const std::string& name) {
    Scored s = scored(base, fresh, scored_by(base), request_);
    s.row.experiment = base[0]->experiment;
    s.row.name = name;
    if (not_ok(fresh) > 0 && not_ok(base) == 0) {
      s.row.verdict = Verdict::worse;
      s.row.why = fmt::format("{} of {} runs ended badly", not_ok(fresh), fresh.size());
      report_.rows.push_back(s.row);
    } else {
      scored_.push_back(std::move(s));
    }
    if (!request_.speed) return;
    std::vector<Compared> speeds = compare_speeds(base, fresh, request_.speed_margin);
    if (speeds.empty() && (has_speed(base) || has_speed(fresh)))
      report_.problems.push_back(
          fmt::format("{}: speed is not compared: its timings are not in both BASE and NEW.", name));
    for (Compared& row : speeds) {
      row.experiment = base[0]->experiment;
      row.name = name;
      report_.rows.push_back(std::move(row));
    }
  }

  void finish_scores() {
    std::vector<double> p;
    for (const Scored& s : scored_) p.push_back(s.comparison.p);
    p = holm(p);
    std::vector<Compared> rows;
    for (std::size_t i = 0; i < scored_.size(); ++i) {
      decide(scored_[i], p[i]);
      rows.push_back(scored_[i].row);
    }
    report_.rows.insert(report_.rows.begin(), rows.begin(), rows.end());
  }

  const CompareRequest& request_;
  Records base_, fresh_;
  std::vector<Scored> scored_;
  ComparisonReport report_;
};

}  // namespace

const char* name_of(Verdict verdict) {
  constexpr const char* kNames[] = {"same", "better", "worse", "can't tell"};
  return kNames[static_cast<int>(verdict)];
}

ComparisonReport compare(const CompareRequest& request) { return Comparer(request)(); }

}  // namespace seqbench
