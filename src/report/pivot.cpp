#include "report/pivot.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "experiment/format.h"
#include "report/metric.h"

namespace seqbench {
namespace {

bool has(const Texts& texts, const std::string& text) {
  return std::ranges::find(texts, text) != texts.end();
}

Texts split(const std::string& text, char separator) {
  Texts parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);) parts.push_back(part);
  return parts;
}

Texts without_repeats(Texts texts) {
  Texts kept;
  for (std::string& text : texts) {
    if (!has(kept, text)) kept.push_back(std::move(text));
  }
  return kept;
}

std::string label(const Group& group, std::size_t first, std::size_t count) {
  Texts parts;
  for (std::size_t i = first; i < first + count; ++i)
    parts.push_back(group.labels[i].empty() ? "-" : group.labels[i]);
  return fmt::format("{}", fmt::join(parts, " "));
}

const Group* find_group(const Summary& summary, const Pivot& pivot, const std::string& row,
                        const std::string& column) {
  for (const Group& group : summary.groups) {
    if (label(group, 0, pivot.rows.size()) == row &&
        label(group, pivot.rows.size(), pivot.columns.size()) == column)
      return &group;
  }
  return nullptr;
}

std::string cell(const Group* group, const std::string& name) {
  if (group == nullptr) return "-";
  const Average average = average_of(*group, name);
  if (!std::isfinite(average.interval.low)) return metric_text(name, average.mean);
  return fmt::format("{} [{}, {}]", metric_text(name, average.mean), metric_text(name, average.interval.low),
                     metric_text(name, average.interval.high));
}

// No one may compare what was asked of different questions.
void refuse_mixed_tasks(const Runs& cell) {
  for (const std::string& field : varying_fields(cell)) {
    if (!is_of_task(field)) continue;
    fail(
        "{} differs between results that would share a cell: add it to --rows or --cols, or choose with "
        "--where {}={}.",
        field, field, cell[0]->field(field));
  }
}

}  // namespace

Summary pivoted(const Runs& records, const Pivot& pivot, const std::string& by) {
  Texts fields = pivot.rows;
  fields.insert(fields.end(), pivot.columns.begin(), pivot.columns.end());
  Selection selection{.by = by.empty() ? score_metric(records, "valid") : by};
  for (const Group& cell : summarise("", records, fields, {}).groups) {
    refuse_mixed_tasks(cell.runs);
    for (const std::string& field : varying_fields(cell.runs)) {
      if (!has(fields, field) && !has(selection.over, field)) selection.over.push_back(field);
    }
  }
  return summarise("", records, fields, selection);
}

Table pivot_table(const Summary& summary, const Pivot& pivot) {
  Texts rows, columns;
  for (const Group& group : summary.groups) {
    rows.push_back(label(group, 0, pivot.rows.size()));
    columns.push_back(label(group, pivot.rows.size(), pivot.columns.size()));
  }
  rows = without_repeats(rows);
  columns = without_repeats(columns);
  Table table;
  table.add_column(fmt::format("{}", fmt::join(pivot.rows, " ")), Align::left);
  for (const std::string& column : columns)
    table.add_column(column.empty() ? pivot.metric : column, Align::right);
  for (const std::string& row : rows) {
    Texts cells = {row};
    for (const std::string& column : columns)
      cells.push_back(cell(find_group(summary, pivot, row, column), pivot.metric));
    table.add_row(std::move(cells));
  }
  return table;
}

Texts pivot_notes(const Summary& summary, const Pivot& pivot) {
  Texts lines = {
      fmt::format("{} by {}{}{}; mean over seeds [95%, Student's t over seeds; of one run's test "
                  "accuracy Wilson's over examples]",
                  pivot.metric, fmt::join(pivot.rows, ", "), pivot.columns.empty() ? "" : " and ",
                  fmt::join(pivot.columns, ", "))};
  if (!summary.selection.over.empty())
    lines.push_back(fmt::format("{}: the best by {}, mean over seeds",
                                fmt::join(summary.selection.over, ", "), summary.selection.by));
  return lines;
}

Runs filtered(const Runs& records, const Texts& filters) {
  Runs kept = records;
  for (const std::string& filter : filters) {
    const std::size_t equals = filter.find('=');
    fail_if(equals == std::string::npos || equals == 0 || filter[0] == '!',
            "--where {}: expected FIELD=VALUE or FIELD!=VALUE, like mechanism=softmax.", filter);
    const bool negated = filter[equals - 1] == '!';
    const std::string field = find_field(records, filter.substr(0, equals - (negated ? 1 : 0)));
    Texts values = split(filter.substr(equals + 1), ',');
    values.push_back(filter.substr(equals + 1));  // a list: [64,128]
    std::erase_if(kept, [&](const Record* record) { return has(values, record->field(field)) == negated; });
    if (!kept.empty()) continue;
    Texts known;
    for (const Record* record : records) known.push_back(record->field(field));
    fail("--where {}: leaves no result; {} has: {}.", filter, field, fmt::join(without_repeats(known), ", "));
  }
  return kept;
}

}  // namespace seqbench
