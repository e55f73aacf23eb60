#include "experiment/slice_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "experiment/format.h"
#include "experiment/statistics.h"
#include "experiment/table.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostColumns = 12;

using Slices = std::vector<Metrics::SliceMetrics>;

std::string figure_name(const Metrics& metrics) {
  return scored_by_loss(metrics) ? "test loss, nats," : "test accuracy";
}

// Sums of slices that one column shows.
struct Cell {
  double loss = 0, correct = 0, labels = 0;
};
using Cells = std::map<std::int64_t, Cell>;  // by the end of the column's band

void add(Cell& cell, double loss, double accuracy, std::int64_t counted) {
  const auto labels = static_cast<double>(std::max<std::int64_t>(1, counted));
  cell.loss += loss * labels;
  cell.correct += accuracy * labels;
  cell.labels += labels;
}

std::set<std::int64_t> values_of(const std::vector<ScoredRow>& rows, const std::string& by) {
  std::set<std::int64_t> values;
  for (const ScoredRow& row : rows) {
    for (const RunResult* run : row.runs) {
      for (const auto& slice : run->test.slices)
        if (slice.by == by) values.insert(slice.value);
    }
  }
  return values;
}

// Many values share columns in bands that end at powers of two.
std::int64_t column_of(std::int64_t value, bool bands) {
  return bands ? static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(value))) : value;
}

Cells cells_of(const ScoredRow& row, const std::string& by, bool bands) {
  Cells cells;
  for (const RunResult* run : row.runs) {
    for (const auto& slice : run->test.slices) {
      if (slice.by != by) continue;
      add(cells[column_of(slice.value, bands)], slice.loss, slice.accuracy, slice.labels);
    }
  }
  return cells;
}

// Of the tests that were asked for at a length: each has a column of its own, whatever the task's own test
// has of that length.
Cells length_cells_of(const ScoredRow& row) {
  Cells cells;
  for (const RunResult* run : row.runs) {
    for (const SettingMetrics& test : run->settings) {
      if (is_length(test))
        add(cells[length_of(test)], test.metrics.loss, test.metrics.accuracy, test.metrics.labels);
    }
  }
  return cells;
}

// `cells`: of each row. With `up_to`, columns are bands that end there.
std::string table_by(const Texts& headers, const std::vector<ScoredRow>& rows,
                     const std::vector<Cells>& cells, const std::string& by, bool up_to,
                     const Metrics& example) {
  std::set<std::int64_t> columns;
  for (const Cells& row : cells) {
    for (const auto& [column, cell] : row) columns.insert(column);
  }
  Table table;
  for (const std::string& header : headers) table.add_column(header, Align::left);
  for (const std::int64_t column : columns) {
    table.add_column(fmt::format("{}{}", up_to && column > 1 ? "<=" : "", column), Align::right);
  }
  for (std::size_t r = 0; r < rows.size(); ++r) {
    Texts texts = rows[r].labels;
    for (const std::int64_t column : columns) {
      const auto found = cells[r].find(column);
      if (found == cells[r].end()) {
        texts.push_back("-");
      } else {
        const Cell& cell = found->second;
        texts.push_back(share((scored_by_loss(example) ? cell.loss : cell.correct) / cell.labels));
      }
    }
    table.add_row(std::move(texts));
  }
  return fmt::format("{} by {}\n{}", figure_name(example), by, table.text(kWidestLabel));
}

std::string slice_table(const Texts& headers, const std::vector<ScoredRow>& rows, const std::string& by,
                        const Metrics& example) {
  const bool bands = values_of(rows, by).size() > kMostColumns;
  std::vector<Cells> cells;
  for (const ScoredRow& row : rows) cells.push_back(cells_of(row, by, bands));
  return table_by(headers, rows, cells, by == "length" ? "length, in the task's own test" : by,
                  bands || by == "position" || by == "distance", example);
}

// "" when no row was tested at a length on request.
std::string length_table(const Texts& headers, const std::vector<ScoredRow>& rows, const Metrics& example) {
  std::vector<Cells> cells;
  for (const ScoredRow& row : rows) cells.push_back(length_cells_of(row));
  const bool any = std::ranges::any_of(cells, [](const Cells& row) { return !row.empty(); });
  return any ? table_by(headers, rows, cells, "length, a test each", false, example) : "";
}

// Mean accuracy of a row's runs, by length and then depth.
std::map<std::int64_t, std::map<std::int64_t, double>> map_of(const ScoredRow& row) {
  std::map<std::int64_t, std::map<std::int64_t, std::vector<double>>> all;
  for (const RunResult* run : row.runs) {
    for (const SettingMetrics& test : run->settings) {
      if (!is_length(test)) continue;
      for (const auto& slice : test.metrics.slices) {
        if (slice.by == "depth") all[length_of(test)][slice.value].push_back(slice.accuracy);
      }
    }
  }
  std::map<std::int64_t, std::map<std::int64_t, double>> means;
  for (const auto& [length, depths] : all) {
    for (const auto& [depth, values] : depths) means[length][depth] = mean(values);
  }
  return means;
}

std::string shade(double value) {
  static constexpr const char* kShades[] = {"  ", "░░", "▒▒", "▓▓", "██"};
  return kShades[std::clamp(static_cast<int>(value * 5), 0, 4)];
}

// "  0%   1.00██ 0.98██ 0.31░░": lengths across, depths down.
std::string depth_map(const ScoredRow& row) {
  const auto means = map_of(row);
  if (means.size() < 2) return "";
  std::string text = fmt::format("test accuracy by length (across) and depth (down): {}\n      ",
                                 fmt::join(row.labels, " "));
  std::set<std::int64_t> depths;
  for (const auto& [length, by_depth] : means) {
    text += fmt::format("{:>8}", length);
    for (const auto& [depth, value] : by_depth) depths.insert(depth);
  }
  for (const std::int64_t depth : depths) {
    text += fmt::format("\n  {:>3}%", depth);
    for (const auto& [length, by_depth] : means) {
      const auto found = by_depth.find(depth);
      text += found == by_depth.end() ? fmt::format("{:>8}", "-")
                                      : fmt::format("  {:.2f}{}", found->second, shade(found->second));
    }
  }
  return text + "\n";
}

// The metrics of a row's runs on the test, or at a further setting (not null); runs may have been tested at
// different ones.
std::vector<const Metrics*> metrics_at(const ScoredRow& row, const SettingMetrics* further) {
  std::vector<const Metrics*> all;
  for (const RunResult* run : row.runs) {
    if (further == nullptr) {
      all.push_back(&run->test);
      continue;
    }
    const auto found = std::ranges::find(run->settings, further->setting, &SettingMetrics::setting);
    if (found != run->settings.end()) all.push_back(&found->metrics);
  }
  return all;
}

// Null, for the test itself, and every further setting of any run, each once.
std::vector<const SettingMetrics*> tests_of(const std::vector<ScoredRow>& rows, bool lengths) {
  std::vector<const SettingMetrics*> tests = {nullptr};
  for (const ScoredRow& row : rows) {
    for (const RunResult* run : row.runs) {
      for (const SettingMetrics& test : run->settings) {
        if (is_length(test) && (!lengths || is_own(*run, test))) continue;
        const bool known = std::ranges::any_of(
            tests, [&](const SettingMetrics* t) { return t != nullptr && t->setting == test.setting; });
        if (!known) tests.push_back(&test);
      }
    }
  }
  return tests;
}

template <class Get>
double mean_of(const std::vector<const Metrics*>& all, const Get& get) {
  std::vector<double> values;
  for (const Metrics* metrics : all) values.push_back(get(*metrics));
  return mean(values);
}

Texts test_cells(const std::vector<const Metrics*>& all) {
  std::int64_t errors = 0;
  std::int64_t labels = 0;
  for (const Metrics* metrics : all) {
    errors += metrics->errors;
    labels += metrics->labels;
  }
  Texts cells = {share(mean_of(all, [](const Metrics& m) { return m.accuracy; })),
                 fmt::format("{} of {}", errors, labels),
                 share(mean_of(all, [](const Metrics& m) { return m.exact; })),
                 share(mean_of(all, [](const Metrics& m) { return m.loss; }))};
  if (all[0]->bits_per_byte) {
    cells.push_back(
        share(mean_of(all, [](const Metrics& m) { return m.bits_per_byte.value_or(std::nan("")); })));
    cells.push_back(share(mean_of(all, [](const Metrics& m) { return std::exp(m.loss); })));
  }
  if (all[0]->excess) {
    cells.push_back(fmt::format(
        "{:.4f}", mean_of(all, [](const Metrics& m) { return m.excess.value_or(std::nan("")); })));
  }
  cells.push_back(fmt::format("{:.3f}", all[0]->chance.uniform));
  return cells;
}

}  // namespace

bool is_length(const SettingMetrics& test) {
  const auto& setting = test.setting;
  if (!setting.contains("length")) return false;
  const bool at_one = !setting.contains("min_length") || setting.at("min_length") == setting.at("length");
  return at_one && setting.size() == 1 + setting.count("min_length");
}

std::int64_t length_of(const SettingMetrics& test) {
  return std::get<std::int64_t>(test.setting.at("length"));
}

bool is_own(const RunResult& run, const SettingMetrics& test) {
  const Metrics &own = run.test, &other = test.metrics;
  return is_length(test) && own.loss == other.loss && own.errors == other.errors &&
         own.labels == other.labels;
}

std::string name_of(const SettingMetrics& test) {
  Texts parts;
  for (const auto& [option, value] : test.setting) {
    if (option != "min_length" || !is_length(test))
      parts.push_back(fmt::format("{}={}", option, to_text(value)));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

std::string tests_text(const Texts& headers, const std::vector<ScoredRow>& rows, bool lengths, bool always) {
  const auto scored = std::ranges::find_if(rows, [](const ScoredRow& row) { return !row.runs.empty(); });
  if (scored == rows.end()) return "";
  const RunResult& example = *scored->runs[0];
  Table table;
  for (const std::string& header : headers) table.add_column(header, Align::left);
  table.add_column("test", Align::left);
  for (const char* header : {"accuracy", "errors", "exact", "loss"}) table.add_column(header, Align::right);
  if (example.test.bits_per_byte) {
    table.add_column("bits/byte", Align::right);
    table.add_column("perplexity", Align::right);
  }
  if (example.test.excess) table.add_column("excess", Align::right);
  table.add_column("chance", Align::right);
  const std::vector<const SettingMetrics*> tests = tests_of(rows, lengths);
  for (const ScoredRow& row : rows) {
    for (const SettingMetrics* test : tests) {
      const std::vector<const Metrics*> all = metrics_at(row, test);
      if (all.empty()) continue;
      Texts cells = row.labels;
      cells.push_back(test == nullptr ? "the task's own" : name_of(*test));
      for (std::string& cell : test_cells(all)) cells.push_back(std::move(cell));
      table.add_row(std::move(cells));
    }
  }
  return always || tests.size() > 1 ? table.text(kWidestLabel) : "";
}

std::string slices_text(const Texts& headers, const std::vector<ScoredRow>& rows) {
  const auto scored = std::ranges::find_if(rows, [](const ScoredRow& row) { return !row.runs.empty(); });
  if (scored == rows.end()) return "";
  const Metrics& example = scored->runs[0]->test;
  std::vector<std::string> kinds;
  for (const auto& slice : example.slices) {
    if (std::ranges::find(kinds, slice.by) == kinds.end()) kinds.push_back(slice.by);
  }
  // Where answers depend on how far back something stands, their place in the sequence says little more.
  if (std::ranges::find(kinds, "distance") != kinds.end()) std::erase(kinds, "position");
  std::string text = length_table(headers, rows, example);
  for (const std::string& by : kinds) {
    if (values_of(rows, by).size() < 2) continue;
    text += (text.empty() ? "" : "\n") + slice_table(headers, rows, by, example);
  }
  for (const ScoredRow& row : rows) {
    const std::string map = depth_map(row);
    if (!map.empty()) text += (text.empty() ? "" : "\n") + map;
  }
  return text;
}

}  // namespace seqbench
