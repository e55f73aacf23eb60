#include "report/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "experiment/table.h"
#include "report/metric.h"
#include "report/pairs.h"
#include "report/tables.h"

namespace seqbench {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(); }

// Those that reports are made of; what else a run has is in its result.json.
Texts figures(const Summary& summary) {
  std::set<std::string> names;
  for (const Group& group : summary.groups) {
    std::vector<Record> runs;
    for (const Record* run : group.ok) runs.push_back(*run);
    for (const std::string& name : metric_names(runs)) {
      if (name.starts_with("test.") || name.starts_with("valid.") || name.starts_with("cost."))
        names.insert(name);
    }
  }
  return {names.begin(), names.end()};
}

Json json_of(const Group& group, const Summary& summary, const Texts& names) {
  Json json = {{"labels", Json::object()},
               {"selected", Json::object()},
               {"runs", Json::array()},
               {"not_selected", Json::array()},
               {"figures", Json::object()}};
  for (std::size_t f = 0; f < summary.fields.size(); ++f) json["labels"][summary.fields[f]] = group.labels[f];
  for (const std::string& field : chosen_fields(summary))
    json["selected"][field] = group.runs[0]->field(field);
  for (const Record* run : group.rivals) {
    json[group.holds(run) ? "runs" : "not_selected"].push_back(
        {{"id", run->id},
         {"file", (run->folder / "result.json").string()},
         {"seed", run->field("seed")},
         {"trouble", run->trouble()}});
  }
  for (const std::string& name : names) {
    const Average average = average_of(group, name);
    if (average.count == 0) continue;
    json["figures"][name] = {{"mean", number(average.mean)},
                             {"standard_error", number(average.standard_error)},
                             {"low", number(average.interval.low)},
                             {"high", number(average.interval.high)},
                             {"runs", average.count}};
  }
  return json;
}

Json json_of(const Pair& pair) {
  return {{"a", pair.a->labels},
          {"b", pair.b->labels},
          {"seeds", pair.seeds},
          {"difference", pair.difference.difference},
          {"low", pair.difference.interval.low},
          {"high", pair.difference.interval.high},
          {"p", pair.difference.p},
          {"p_holm", pair.p}};
}

}  // namespace

Json summaries_json(const std::vector<Summary>& summaries, const Texts& problems) {
  Json json = {{"schema", 1}, {"experiments", Json::array()}, {"problems", problems}};
  for (const Summary& summary : summaries) {
    const Texts names = figures(summary);
    const std::string by = score_metric(summary);
    Json experiment = {{"name", summary.title},
                       {"fields", summary.fields},
                       {"selected_over", summary.selection.over},
                       {"selected_by", summary.selection.by},
                       {"groups", Json::array()},
                       {"differences", {{"of", by}, {"pairs", Json::array()}}}};
    for (const Group& group : summary.groups) experiment["groups"].push_back(json_of(group, summary, names));
    for (const Pair& pair : pairs_of(summary, by))
      experiment["differences"]["pairs"].push_back(json_of(pair));
    json["experiments"].push_back(std::move(experiment));
  }
  return json;
}

std::string summaries_csv(const std::vector<Summary>& summaries) {
  Texts fields, chosen, names;
  const auto add_new = [](Texts& all, const Texts& more) {
    for (const std::string& text : more) {
      if (std::ranges::find(all, text) == all.end()) all.push_back(text);
    }
  };
  for (const Summary& summary : summaries) {
    add_new(fields, summary.fields);
    add_new(chosen, chosen_fields(summary));
    add_new(names, figures(summary));
  }
  Table table;
  table.add_column("experiment", Align::left);
  for (const std::string& field : fields) table.add_column(field, Align::left);
  for (const std::string& field : chosen) table.add_column("selected." + field, Align::left);
  table.add_column("runs", Align::right);
  table.add_column("ok", Align::right);
  for (const std::string& name : names) {
    for (const char* suffix : {"", ".se", ".low", ".high"}) table.add_column(name + suffix, Align::right);
  }
  for (const Summary& summary : summaries) {
    for (const Group& group : summary.groups) {
      Texts cells = {summary.title};
      for (const std::string& field : fields) {
        const auto place = std::ranges::find(summary.fields, field) - summary.fields.begin();
        cells.push_back(place < std::ssize(summary.fields) ? group.labels[static_cast<std::size_t>(place)]
                                                           : "");
      }
      const Texts own = chosen_fields(summary);
      for (const std::string& field : chosen)
        cells.push_back(std::ranges::find(own, field) == own.end() ? "" : group.runs[0]->field(field));
      cells.push_back(std::to_string(group.runs.size()));
      cells.push_back(std::to_string(group.ok.size()));
      for (const std::string& name : names) {
        const Average a = average_of(group, name);
        for (const double value : {a.mean, a.standard_error, a.interval.low, a.interval.high})
          cells.push_back(std::isfinite(value) ? fmt::format("{}", value) : "");
      }
      table.add_row(std::move(cells));
    }
  }
  return table.csv();
}

}  // namespace seqbench
