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

// "0.998 [0.995, 1.000]", with "(2 of 3)" where not all runs ended well.
std::string cell(const Group* group, const std::string& name) {
  if (group == nullptr) return "-";
  const Average average = average_of(*group, name);
  std::string text = metric_text(name, average.mean);
  if (std::isfinite(average.interval.low))
    text += fmt::format(" [{}, {}]", metric_text(name, average.interval.low),
                        metric_text(name, average.interval.high));
  if (group->ok.size() < group->runs.size())
    text += fmt::format(" ({} of {})", group->ok.size(), group->runs.size());
  return text;
}

// "0.002" and "2e-3" are one number.
bool same_value(const std::string& a, const std::string& b) {
  if (a == b) return true;
  const Json left = Json::parse(a, nullptr, false), right = Json::parse(b, nullptr, false);
  return left.is_number() && right.is_number() && left == right;
}

// A mechanism is called by its whole name here, or by that of its mixer.
bool has_value(const Record& record, const std::string& field, const std::string& value) {
  return same_value(record.field(field), value) ||
         (field == "mechanism" && record.field("model.mixer") == value);
}

struct Filter {
  std::string field;
  bool negated = false;
  Texts values = {};  // any of them
};

Filter parsed(const std::string& text, const Runs& records) {
  const std::size_t equals = text.find('=');
  fail_if(equals == std::string::npos || equals == 0 || text[0] == '!',
          "--where {}: expected FIELD=VALUE or FIELD!=VALUE, like mechanism=softmax.", text);
  Filter filter{.field = {}, .negated = text[equals - 1] == '!'};
  filter.field = find_field(records, text.substr(0, equals - (filter.negated ? 1 : 0)));
  const auto known = [&](const std::string& value) {
    return std::ranges::any_of(records, [&](const Record* r) { return has_value(*r, filter.field, value); });
  };
  const std::string whole = text.substr(equals + 1);
  filter.values = known(whole) ? Texts{whole} : split(whole, ',');  // [64,128] is one value
  for (const std::string& value : filter.values) {
    if (known(value)) continue;
    Texts there;
    for (const Record* record : records) there.push_back(record->field(filter.field));
    fail("--where {}: no result has \"{}\"; {} is {}.", text, value, filter.field,
         fmt::join(without_repeats(there), " or "));
  }
  return filter;
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
                  "accuracy Wilson's over examples, of texts and sources over labels]",
                  pivot.metric, fmt::join(pivot.rows, ", "), pivot.columns.empty() ? "" : " and ",
                  fmt::join(pivot.columns, ", "))};
  const bool some_failed = std::ranges::any_of(
      summary.groups, [](const Group& group) { return group.ok.size() < group.runs.size(); });
  if (some_failed) lines.emplace_back("(2 of 3): the runs that ended well, of all");
  for (const Group& group : summary.groups) {
    for (const Record* run : group.rivals) {
      if (!run->ok())
        lines.push_back(
            fmt::format("{}{}: {}", group.holds(run) ? "" : "not selected: ", run->id, run->trouble()));
    }
  }
  if (!summary.selection.over.empty())
    lines.push_back(fmt::format("{}: the best by {}, mean over seeds",
                                fmt::join(summary.selection.over, ", "), summary.selection.by));
  return lines;
}

Runs filtered(const Runs& records, const Texts& filters) {
  Runs kept = records;
  for (const std::string& text : filters) {
    const Filter filter = parsed(text, records);
    std::erase_if(kept, [&](const Record* record) {
      const bool found = std::ranges::any_of(
          filter.values, [&](const std::string& value) { return has_value(*record, filter.field, value); });
      return found == filter.negated;
    });
    fail_if(kept.empty(), "--where {}: leaves no result of those that it and what stands before it keep.",
            text);
  }
  return kept;
}

}  // namespace seqbench
