#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "experiment/slice_text.h"
#include "experiment/statistics.h"
#include "report/figure_parts.h"

namespace seqbench {
namespace {

std::string unit_of_slice(const std::string& by) {
  if (by == "position" || by == "distance" || by == "length") return by + " (tokens)";
  return by == "depth" ? "depth in the context (%)" : by;
}

void add_slices(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  std::set<std::string> kinds;
  double largest = 0;
  for (const Group& group : summary.groups) {
    for (const Record* run : group.ok) {
      for (const auto& slice : run->stored->result.test.slices) {
        kinds.insert(slice.by);
        largest = std::max(largest, static_cast<double>(slice.value));
      }
    }
  }
  if (kinds.contains("distance")) kinds.erase("position");
  for (const std::string& by : kinds) {
    Plot plot{.title = fmt::format("{} by {}{}", score.title(), by,
                                   by == "length" ? ", in the task's own test" : ""),
              .x_label = unit_of_slice(by),
              .y_label = score.label("test")};
    plot.log_x = by == "position" && largest > 64;
    add_chance(plot, summary, score);
    add_lines(figures, fmt::format("{}-by-{}", score.name(), by),
              "Mean over seeds, and from the lowest to the highest of them.", summary, plot,
              [&](const Group& group) {
                Columns columns;
                for (const Record* run : group.ok) {
                  for (const auto& slice : run->stored->result.test.slices) {
                    if (slice.by == by && (!plot.log_x || slice.value > 0))
                      columns[static_cast<double>(slice.value)].push_back(
                          score.of(slice, run->stored->result.test));
                  }
                }
                return columns;
              });
  }
}

void add_lengths(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  Plot plot{.title = fmt::format("{} by length, a test each", score.title()),
            .x_label = "length of the test (tokens)",
            .y_label = score.label("test"),
            .log_x = true};
  add_chance(plot, summary, score);
  add_lines(figures, score.name() + "-by-test-length",
            "Mean over seeds, and from the lowest to the highest of them.", summary, plot,
            [&](const Group& group) {
              Columns columns;
              for (const Record* run : group.ok) {
                for (const SettingMetrics& test : run->stored->result.settings) {
                  if (is_length(test))
                    columns[static_cast<double>(length_of(test))].push_back(score.of(test.metrics));
                }
              }
              return columns;
            });
}

void add_map(std::vector<Figure>& figures, const Group& group) {
  std::map<std::int64_t, std::map<double, std::vector<double>>> depths;
  std::set<double> lengths;
  for (const Record* run : group.ok) {
    for (const SettingMetrics& test : run->stored->result.settings) {
      if (!is_length(test)) continue;
      for (const auto& slice : test.metrics.slices) {
        if (slice.by != "depth") continue;
        const auto length = static_cast<double>(length_of(test));
        depths[slice.value][length].push_back(slice.accuracy);
        lengths.insert(length);
      }
    }
  }
  if (lengths.size() < 2) return;
  const std::string name = name_of(group);
  HeatMap map;
  map.title = name;
  map.x_label = "length (tokens)";
  map.y_label = "depth of the needle (%)";
  Table data;
  data.add_column("depth", Align::right);
  for (const double length : lengths) {
    map.columns.push_back(digits(length));
    data.add_column(digits(length), Align::right);
  }
  for (const auto& [depth, by_length] : depths) {
    map.rows.push_back(std::to_string(depth));
    map.values.emplace_back();
    Texts cells = {std::to_string(depth)};
    for (const double length : lengths) {
      const auto found = by_length.find(length);
      const double value = found == by_length.end() ? std::nan("") : mean(found->second);
      map.values.back().push_back(value);
      cells.push_back(digits(value));
    }
    data.add_row(std::move(cells));
  }
  figures.push_back({fmt::format("map-{}", name), svg(map), "Test accuracy, mean over seeds.", data});
}

}  // namespace

void add_tests(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  add_lengths(figures, summary, score);
  add_slices(figures, summary, score);
  for (const Group& group : summary.groups) add_map(figures, group);
}

}  // namespace seqbench
