#include "report/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "experiment/format.h"
#include "report/metric.h"

namespace seqbench {
namespace {

constexpr std::size_t kWidestLine = 150;

bool any_ok(const Summary& summary, const auto& holds) {
  return std::ranges::any_of(summary.groups, [&](const Group& group) {
    return std::ranges::any_of(group.ok, [&](const Record* record) { return holds(record->stored->result); });
  });
}

bool is_text(const Summary& summary) {
  return any_ok(summary, [](const RunResult& result) { return result.test.bits_per_byte.has_value(); });
}

bool is_source(const Summary& summary) {
  return any_ok(summary, [](const RunResult& result) { return result.test.excess.has_value(); });
}

// "0.998 [0.995, 1.000]"
std::string with_interval(const Group& group, const std::string& name) {
  const Average average = average_of(group, name);
  std::string text = metric_text(name, average.mean);
  if (std::isfinite(average.interval.low))
    text += fmt::format(" [{}, {}]", share(average.interval.low), share(average.interval.high));
  return text;
}

std::string chance_text(const Group& group) {
  if (group.ok.empty()) return "-";
  const Chance& chance = group.ok[0]->stored->result.test.chance;
  return chance.in_context ? fmt::format("{:.3f} / {:.3f}", chance.uniform, *chance.in_context)
                           : fmt::format("{:.3f}", chance.uniform);
}

// "3", or "2/3" when not all runs are ok.
std::string seeds_text(const Group& group) {
  return group.ok.size() == group.runs.size() ? fmt::format("{}", group.runs.size())
                                              : fmt::format("{}/{}", group.ok.size(), group.runs.size());
}

std::string solved_text(const Runs& runs) {
  const auto solved = std::ranges::count_if(
      runs, [](const Record* run) { return run->ok() && run->stored->result.test.accuracy >= kSolved; });
  return fmt::format("{}/{}", solved, runs.size());
}

// "@4096" when all runs have the same longest context, "@longest" when they differ; "" when none has one.
std::string longest(const Summary& summary, const char* section) {
  std::set<std::string> keys;
  for (const Group& group : summary.groups) {
    for (const Record* record : group.ok) {
      const Json& by_context = record->result.at("cost").at(section);
      if (!by_context.empty()) keys.insert(std::prev(by_context.end()).key());
    }
  }
  return keys.empty() ? "" : keys.size() == 1 ? "@" + *keys.begin() : "@longest";
}

struct Column {
  std::string header;
  std::string metric;
};

std::vector<Column> cost_columns(const Summary& summary) {
  return {
      {"para-\nmeters", "cost.parameters"},
      {"FLOPs\n/token", "cost.flops_per_token"},
      {"state\n" + longest(summary, "state_bytes"), "cost.state_bytes@longest"},
      {"train\ntok/s", "cost.train_tokens_per_s"},
      {"prefill\ntok/s\n" + longest(summary, "prefill_tokens_per_s"), "cost.prefill_tokens_per_s@longest"},
      {"decode\nus/token\n" + longest(summary, "decode_us_per_token"), "cost.decode_us_per_token@longest"},
      {"peak\nmemory", "cost.peak_bytes"}};
}

Texts label_cells(const Group& group) {
  Texts cells;
  for (const std::string& label : group.labels) cells.push_back(label.empty() ? "-" : label);
  return cells;
}

// As in a grid that is not finished.
bool with_unequal_seeds(const Summary& summary, const Texts& chosen) {
  return std::ranges::any_of(summary.groups, [&](const Group& group) {
    std::map<Texts, int> finished;
    for (const Record* run : group.rivals) {
      Texts values;
      for (const std::string& field : chosen) values.push_back(run->field(field));
      finished[values] += run->stored ? 1 : 0;
    }
    return std::ranges::any_of(finished,
                               [&](const auto& entry) { return entry.second != finished.begin()->second; });
  });
}

void add_troubles(Table& table, const Group& group) {
  for (const Record* run : group.runs) {
    if (!run->ok())
      table.add_line(cut(fmt::format("  {}, seed {}: {}", name_of(group), run->field("seed"), run->trouble()),
                         kWidestLine));
  }
}

// A run that `select` leaves out of the table must not leave unseen when it went wrong.
Texts trouble_left_out(const Summary& summary) {
  Texts lines;
  for (const Group& group : summary.groups) {
    for (const Record* run : group.rivals) {
      if (!group.holds(run) && !run->ok())
        lines.push_back(cut(fmt::format("not selected: {}: {}", run->id, run->trouble()), kWidestLine));
    }
  }
  return lines;
}

// More than one when results come from several: their speeds do not compare.
std::set<std::string> machines(const Summary& summary) {
  std::set<std::string> found;
  for (const Group& group : summary.groups) {
    for (const Record* run : group.ok) {
      const Environment& e = run->stored->environment;
      found.insert(
          fmt::format("machine: {}, {} thread{} a run.", e.cpu, e.threads, e.threads == 1 ? "" : "s"));
    }
  }
  return found;
}

}  // namespace

Texts chosen_fields(const Summary& summary) {
  Texts fields;
  for (const std::string& field : summary.selection.over) {
    const bool varies = std::ranges::any_of(summary.groups, [&](const Group& group) {
      return std::ranges::any_of(group.rivals, [&](const Record* run) {
        return run->field(field) != group.rivals[0]->field(field);
      });
    });
    if (varies) fields.push_back(field);
  }
  return fields;
}

Texts short_fields(const Summary& summary) {
  Texts names;
  for (const std::string& field : summary.fields) names.push_back(field.substr(field.rfind('.') + 1));
  return names;
}

Table main_table(const Summary& summary) {
  Table table;
  for (const std::string& field : short_fields(summary)) table.add_column(field, Align::left);
  const Texts chosen = chosen_fields(summary);
  for (const std::string& field : chosen)
    table.add_column("best\n" + field.substr(field.rfind('.') + 1), Align::left);
  const auto add = [&](const std::string& header) { table.add_column(header, Align::right); };
  const bool selects = !chosen.empty();
  const bool text = is_text(summary);
  const bool source = is_source(summary);
  add("seeds");
  add(text ? "test bits/byte\nmean [95%]" : source ? "nats above source\nmean [95%]" : "solved");
  if (selects && !text && !source) add("grid\nsolved");
  add("test accuracy\nmean [95%]");
  add("chance");
  const std::vector<Column> costs = cost_columns(summary);
  for (const Column& column : costs) add(column.header);
  for (const Group& group : summary.groups) {
    Texts cells = label_cells(group);
    for (const std::string& field : chosen) cells.push_back(group.runs[0]->field(field));
    cells.push_back(seeds_text(group));
    cells.push_back(text     ? with_interval(group, "test.bits_per_byte")
                    : source ? with_interval(group, "test.excess")
                             : solved_text(group.runs));
    if (selects && !text && !source) cells.push_back(solved_text(group.rivals));
    cells.push_back(with_interval(group, "test.accuracy"));
    cells.push_back(chance_text(group));
    for (const Column& column : costs)
      cells.push_back(metric_text(column.metric, middle_of(group, column.metric)));
    table.add_row(std::move(cells));
    add_troubles(table, group);
  }
  return table;
}

void explain_groups(Table& table, const Summary& summary, const std::string& name) {
  for (const Group& group : summary.groups) {
    table.add_line(name_of(group) + ":");
    for (const Record* run : group.rivals) {
      table.add_line(
          fmt::format("    {}  {}{}", run->ok() ? metric_text(name, metric(*run, name)) : run->trouble(),
                      (run->folder / "result.json").string(), group.holds(run) ? "" : "  (not selected)"));
    }
  }
}

Texts notes(const Summary& summary) {
  Texts lines;
  const Texts chosen = chosen_fields(summary);
  if (any_ok(summary, [](const RunResult&) { return true; })) {
    const bool seeds =
        std::ranges::any_of(summary.groups, [](const Group& group) { return group.ok.size() > 1; });
    const bool single =
        std::ranges::any_of(summary.groups, [](const Group& group) { return group.ok.size() == 1; });
    const char* trials = is_text(summary) || is_source(summary) ? "labels" : "examples";
    lines.push_back(
        !seeds ? fmt::format(
                     "[95%]: interval over the test {} of the one run, taken to be independent (Wilson).",
                     trials)
               : fmt::format(
                     "[95%]: interval of the mean over the seeds (Student's t){}; costs and "
                     "speeds are those of the middle seed.",
                     single ? fmt::format(", of a row with one run that over its {} (Wilson)", trials) : ""));
    if (!is_text(summary) && !is_source(summary)) {
      lines.push_back(
          fmt::format("solved: seeds with a test accuracy of at least {}{}.", kSolved,
                      chosen.empty() ? "" : "; grid solved: the same of all runs that were selected from"));
    }
    const bool in_context =
        any_ok(summary, [](const RunResult& result) { return result.test.chance.in_context.has_value(); });
    lines.push_back(fmt::format("chance: guessing among all answers{}.",
                                in_context ? " / among those that stand in the sequence" : ""));
    lines.push_back("state: what decoding carries, per sequence. prefill, decode: one sequence, one thread.");
    for (const std::string& machine : machines(summary)) lines.push_back(machine);
  }
  if (chosen.empty()) return lines;
  lines.push_back(
      fmt::format("{}: the best by {}, mean over seeds.", fmt::join(chosen, ", "), summary.selection.by));
  if (with_unequal_seeds(summary, chosen))
    lines.push_back(
        fmt::format("Some values of {} have fewer finished seeds than others.", fmt::join(chosen, ", ")));
  for (const std::string& line : trouble_left_out(summary)) lines.push_back(line);
  return lines;
}

std::vector<ScoredRow> scored_rows(const Summary& summary) {
  std::vector<ScoredRow> rows;
  for (const Group& group : summary.groups) {
    ScoredRow row{.labels = label_cells(group), .runs = {}};
    for (const Record* run : group.ok) row.runs.push_back(&run->stored->result);
    rows.push_back(std::move(row));
  }
  return rows;
}

std::string summary_text(const Summary& summary, bool explain) {
  Table table = main_table(summary);
  if (explain) explain_groups(table, summary, score_metric(summary));
  std::string text = table.text(kWidestLabel);
  for (const std::string& note : notes(summary)) text += "  " + note + "\n";
  const auto rows = scored_rows(summary);
  const Texts headers = short_fields(summary);
  for (const std::string& more : {tests_text(headers, rows, false, false), slices_text(headers, rows)}) {
    if (!more.empty()) text += "\n" + more;
  }
  return text;
}

std::string results_text(const Plan& plan, const Results& results) {
  std::string text;
  for (const Experiment& experiment : plan.experiments) {
    const std::vector<Record> records = records_of(plan, experiment, results);
    const Runs pointers = pointers_to(records);
    Selection selection{.by = experiment.grid.select.by};
    for (const std::string& path : experiment.grid.select.over) {
      const Texts fields = fields_over(pointers, path);
      selection.over.insert(selection.over.end(), fields.begin(), fields.end());
    }
    if (!text.empty()) text += "\n";
    if (plan.experiments.size() > 1) text += experiment.name + "\n";
    text += summary_text(
        summarise(experiment.name, pointers, row_fields(pointers, selection.over), selection), false);
  }
  return text;
}

}  // namespace seqbench
