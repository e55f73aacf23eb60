#include "report/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "base/error.h"
#include "experiment/statistics.h"
#include "report/metric.h"

namespace seqbench {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Texts labels_of(const Record& record, const Texts& fields) {
  Texts labels;
  for (const std::string& field : fields) labels.push_back(record.field(field));
  return labels;
}

std::vector<double> finite_values(const Group& group, const std::string& name) {
  std::vector<double> values;
  for (const Record* record : group.ok) values.push_back(metric(*record, name));
  std::erase_if(values, [](double value) { return !std::isfinite(value); });
  return values;
}

bool is_share(const std::string& name) {
  return name.find("accuracy") != std::string::npos || name.find("exact") != std::string::npos;
}

// Larger is better.
double merit(const Group& group, const std::string& by) {
  const double mean = average_of(group, by).mean;
  return !std::isfinite(mean) ? -kInfinity : larger_is_better(by) ? mean : -mean;
}

// Of those that ended; one that is not finished yet says nothing.
double share_ok(const Group& group) {
  const auto ended = std::ranges::count_if(group.runs, [](const Record* r) { return r->stored.has_value(); });
  return ended == 0 ? 0 : static_cast<double>(group.ok.size()) / static_cast<double>(ended);
}

bool better(const Group& a, const Group& b, const std::string& by) {
  if (share_ok(a) != share_ok(b)) return share_ok(a) > share_ok(b);
  return merit(a, by) > merit(b, by);
}

std::vector<Group> groups_of(const Runs& records, const Texts& fields) {
  std::vector<Group> groups;
  for (const Record* record : records) {
    const Texts labels = labels_of(*record, fields);
    auto group = std::ranges::find(groups, labels, &Group::labels);
    if (group == groups.end()) group = groups.insert(group, Group{.labels = labels});
    group->runs.push_back(record);
    if (record->ok()) group->ok.push_back(record);
  }
  return groups;
}

void add_candidate(std::vector<Group>& best, Group candidate, const std::string& by) {
  candidate.rivals = candidate.runs;
  const auto rival = std::ranges::find(best, candidate.labels, &Group::labels);
  if (rival == best.end()) {
    best.push_back(std::move(candidate));
    return;
  }
  candidate.rivals.insert(candidate.rivals.begin(), rival->rivals.begin(), rival->rivals.end());
  if (better(candidate, *rival, by)) {
    *rival = std::move(candidate);
  } else {
    rival->rivals = std::move(candidate.rivals);
  }
}

}  // namespace

std::string name_of(const Group& group) {
  Texts parts;
  for (const std::string& label : group.labels) parts.push_back(label.empty() ? "-" : label);
  return fmt::format("{}", fmt::join(parts, " "));
}

Average average_of(const Group& group, const std::string& name) {
  const std::vector<double> values = finite_values(group, name);
  if (values.empty()) return {kNone, kNone, {kNone, kNone}, 0};
  const Interval within = is_share(name) ? Interval{0, 1} : Interval{-kInfinity, kInfinity};
  if (values.size() > 1) {
    const double step = step_of(group.ok, name);
    return {mean(values), standard_error(values, step), student_interval(values, within, step),
            values.size()};
  }
  const bool own = name == "test.accuracy" && group.ok.size() == 1;
  return {values[0], kNone, own ? group.ok[0]->stored->result.test.accuracy_interval : Interval{kNone, kNone},
          1};
}

double middle_of(const Group& group, const std::string& name) {
  const std::vector<double> values = finite_values(group, name);
  return values.empty() ? kNone : median(values);
}

Texts varying_fields(const Runs& records) {
  Texts order;
  std::map<std::string, std::set<std::string>> values;
  for (const Record* record : records) {
    for (const auto& [path, value] : record->fields) {
      if (!values.contains(path)) order.push_back(path);
      values[path].insert(value);
    }
  }
  for (const Record* record : records) {
    for (auto& [path, seen] : values) seen.insert(record->field(path));
  }
  std::erase_if(order, [&](const std::string& path) {
    return path == "seed" || path.starts_with("model.mixer") || values[path].size() < 2;
  });
  return order;
}

bool is_of_task(const std::string& field) { return field.starts_with("task") || field == "data"; }

Texts row_fields(const Runs& records, const Texts& over) {
  const auto chosen = [&](const std::string& path) { return std::ranges::find(over, path) != over.end(); };
  Texts fields;
  if (!chosen("mechanism")) fields.emplace_back("mechanism");
  for (const std::string& path : varying_fields(records)) {
    if (path != "mechanism" && !chosen(path)) fields.push_back(path);
  }
  return fields.empty() ? Texts{"experiment"} : fields;
}

std::string find_field(const Runs& records, const std::string& name) {
  std::set<std::string> known = {"experiment"};
  for (const Record* record : records) {
    for (const auto& [path, value] : record->fields) known.insert(path);
  }
  if (known.contains(name)) return name;
  Texts ending;
  std::ranges::copy_if(known, std::back_inserter(ending),
                       [&](const std::string& path) { return path.ends_with("." + name); });
  fail_if(ending.size() > 1, "\"{}\" is {}; say which.", name, fmt::join(ending, " or "));
  if (ending.empty() && name.find('.') == std::string::npos) {
    std::set<std::string> short_names;
    for (const std::string& path : known) short_names.insert(path.substr(path.rfind('.') + 1));
    known = short_names;
  }
  fail_if(ending.empty(), "{}", unknown_name("field", name, "report", {known.begin(), known.end()}));
  return ending[0];
}

Texts fields_over(const Runs& records, const std::string& path) {
  if (path.starts_with("model.budget")) return {"model.width", "model.ffn"};
  if (path == "model.mixer.name") return {"mechanism"};
  Texts fields;
  for (const Record* record : records) {
    for (const auto& entry : record->fields) {
      if (entry.first != path && !entry.first.starts_with(path + ".")) continue;
      const bool mixer = entry.first.starts_with("model.mixer") && !path.starts_with("model.mixer.");
      const std::string field = mixer ? "mechanism" : entry.first;
      if (std::ranges::find(fields, field) == fields.end()) fields.push_back(field);
    }
  }
  return fields;
}

Summary summarise(const std::string& title, const Runs& records, const Texts& fields,
                  const Selection& selection) {
  Summary summary{.title = title, .fields = fields, .selection = selection};
  Texts all = fields;
  for (const std::string& field : selection.over) {
    if (std::ranges::find(all, field) == all.end()) all.push_back(field);
  }
  for (Group& group : groups_of(records, all)) {
    group.labels.resize(fields.size());
    add_candidate(summary.groups, std::move(group), selection.by);
  }
  return summary;
}

std::string score_metric(const Runs& records, const std::string& split) {
  const bool by_loss = std::ranges::any_of(records, [](const Record* record) {
    return record->stored &&
           (record->stored->result.test.bits_per_byte || record->stored->result.test.excess);
  });
  return split + (by_loss ? ".loss" : ".accuracy");
}

std::string score_metric(const Summary& summary) {
  Runs runs;
  for (const Group& group : summary.groups) runs.insert(runs.end(), group.ok.begin(), group.ok.end());
  return score_metric(runs, "test");
}

std::vector<Summary> summaries_of(const std::vector<Record>& records, const Selection& selection) {
  Texts titles;
  std::map<std::string, Runs> experiments;
  for (const Record& record : records) {
    if (!experiments.contains(record.experiment)) titles.push_back(record.experiment);
    experiments[record.experiment].push_back(&record);
  }
  std::vector<Summary> summaries;
  for (const std::string& title : titles) {
    const auto& own = experiments[title];
    Selection chosen{.over = selection.over,
                     .by = selection.by.empty() ? score_metric(own, "valid") : selection.by};
    if (chosen.over.empty()) {
      std::ranges::copy_if(varying_fields(own), std::back_inserter(chosen.over),
                           [](const std::string& path) { return path.starts_with("train."); });
    }
    summaries.push_back(summarise(title, own, row_fields(own, chosen.over), chosen));
  }
  return summaries;
}

}  // namespace seqbench
