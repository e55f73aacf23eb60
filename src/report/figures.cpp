#include "report/figures.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "experiment/slice_text.h"
#include "experiment/statistics.h"
#include "report/metric.h"
#include "report/plot.h"

namespace seqbench {
namespace {

// Values of the runs of a group at each x.
using Columns = std::map<double, std::vector<double>>;

// What a summary is scored by: text and sources of known entropy by loss, all else by accuracy.
struct Score {
  bool loss = false;
  std::string name() const { return loss ? "loss" : "accuracy"; }
  std::string label() const { return loss ? "test loss (nats)" : "test accuracy"; }
  double of(const Metrics::SliceMetrics& slice) const { return loss ? slice.loss : slice.accuracy; }
  double of(const Metrics& metrics) const { return loss ? metrics.loss : metrics.accuracy; }
};

Score score_of(const Summary& summary) {
  std::vector<const Record*> runs;
  for (const Group& group : summary.groups) runs.insert(runs.end(), group.ok.begin(), group.ok.end());
  return {selecting_metric(runs) == "valid.loss"};
}

std::string name_of(const Group& group) {
  Texts parts;
  for (const std::string& label : group.labels) parts.push_back(label.empty() ? "-" : label);
  return fmt::format("{}", fmt::join(parts, " "));
}

PlotPoint point_of(double x, const std::vector<double>& values) {
  const auto [low, high] = std::ranges::minmax(values);
  PlotPoint point{.x = x, .y = mean(values)};
  if (values.size() > 1) {
    point.low = low;
    point.high = high;
  }
  return point;
}

std::string digits(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : ""; }

void add_series(Plot& plot, Table& data, const Group& group, const Columns& columns) {
  PlotSeries series{.name = name_of(group), .color = static_cast<int>(plot.series.size()), .points = {}};
  for (const auto& [x, values] : columns) {
    series.points.push_back(point_of(x, values));
    const PlotPoint& p = series.points.back();
    data.add_row(
        {series.name, digits(x), digits(p.y), digits(p.low), digits(p.high), std::to_string(values.size())});
  }
  plot.series.push_back(std::move(series));
}

Table data_table(const Plot& plot) {
  Table data;
  data.add_column("series", Align::left);
  for (const std::string& name :
       {plot.x_label, plot.y_label, std::string("lowest"), std::string("highest"), std::string("runs")}) {
    data.add_column(name, Align::right);
  }
  return data;
}

// One line per group through `columns_of` it; nothing when no line has two points.
void add_lines(std::vector<Figure>& figures, const std::string& name, const std::string& caption,
               const Summary& summary, Plot plot, const std::function<Columns(const Group&)>& columns_of) {
  Table data = data_table(plot);
  for (const Group& group : summary.groups) {
    const Columns columns = columns_of(group);
    if (!columns.empty()) add_series(plot, data, group, columns);
  }
  const bool drawn =
      std::ranges::any_of(plot.series, [](const PlotSeries& series) { return series.points.size() > 1; });
  if (drawn) figures.push_back({name, svg(plot), caption, data});
}

void add_chance(Plot& plot, const Summary& summary, const Score& score) {
  if (score.loss) return;
  plot.y_min = 0;
  plot.y_max = 1.04;
  for (const Group& group : summary.groups) {
    if (group.ok.empty()) continue;
    const Chance& chance = group.ok[0]->stored->result.test.chance;
    if (summary.fields.size() == 1)
      plot.marks.push_back({"chance", chance.in_context.value_or(chance.uniform)});
    return;
  }
}

void add_curves(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  Plot plot{.title = "Learning curves",
            .x_label = "training step",
            .y_label = score.loss ? "validation loss (nats)" : "validation accuracy"};
  add_chance(plot, summary, score);
  add_lines(figures, "curves", "Mean over seeds, and from the lowest to the highest of them.", summary, plot,
            [&](const Group& group) {
              Columns columns;
              for (const Record* run : group.ok) {
                for (const CurvePoint& point : load_curve(*run))
                  columns[static_cast<double>(point.step)].push_back(score.loss ? point.valid_loss
                                                                                : point.valid_accuracy);
              }
              return columns;
            });
}

// Those points that no other beats in score with as few bytes.
std::vector<PlotPoint> pareto_front(std::vector<PlotPoint> points, bool loss) {
  std::ranges::sort(points, [&](const PlotPoint& a, const PlotPoint& b) {
    return a.x != b.x ? a.x < b.x : (loss ? a.y < b.y : a.y > b.y);
  });
  std::vector<PlotPoint> front;
  for (const PlotPoint& point : points) {
    if (front.empty() || (loss ? point.y < front.back().y : point.y > front.back().y))
      front.push_back({.x = point.x, .y = point.y});
  }
  return front;
}

void add_memory(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  Plot plot{.title = "Score against memory",
            .x_label = "state carried at the task's length (bytes a sequence)",
            .y_label = score.label(),
            .log_x = true,
            .bytes_x = true,
            .kind = PlotKind::scatter};
  add_chance(plot, summary, score);
  Table data = data_table(plot);
  std::vector<PlotPoint> all;
  for (const Group& group : summary.groups) {
    const double bytes =
        group.ok.empty() ? 0 : middle_of(group, "cost.state_bytes@" + group.ok[0]->field("task.length"));
    const Average average = average_of(group, "test." + score.name());
    if (!(bytes > 0) || !std::isfinite(average.mean)) continue;
    const std::string name = name_of(group);
    const PlotPoint point{.x = bytes,
                          .y = average.mean,
                          .low = average.interval.low,
                          .high = average.interval.high,
                          .label = name};
    all.push_back(point);
    plot.series.push_back({name, static_cast<int>(plot.series.size()), {point}});
    data.add_row({name, digits(bytes), digits(point.y), digits(point.low), digits(point.high),
                  std::to_string(average.count)});
  }
  if (all.size() < 2) return;
  plot.front_line = pareto_front(all, score.loss);
  figures.push_back({"memory", svg(plot),
                     "Mean and 95% interval. Dashed: the best score that is reached with so many bytes.",
                     data});
}

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
    Plot plot{.title = fmt::format("{} by {}", score.loss ? "Loss" : "Accuracy", by),
              .x_label = unit_of_slice(by),
              .y_label = score.label()};
    plot.log_x = by == "position" && largest > 64;
    add_chance(plot, summary, score);
    add_lines(figures, fmt::format("{}-by-{}", score.name(), by),
              "Mean over seeds, and from the lowest to the highest of them.", summary, plot,
              [&](const Group& group) {
                Columns columns;
                for (const Record* run : group.ok) {
                  for (const auto& slice : run->stored->result.test.slices) {
                    if (slice.by == by && (!plot.log_x || slice.value > 0))
                      columns[static_cast<double>(slice.value)].push_back(score.of(slice));
                  }
                }
                return columns;
              });
  }
}

double length_of(const SettingMetrics& test) {
  return static_cast<double>(std::get<std::int64_t>(test.setting.at("length")));
}

void add_lengths(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  Plot plot{.title = fmt::format("{} beyond the length of training", score.loss ? "Loss" : "Accuracy"),
            .x_label = "length of the test (tokens)",
            .y_label = score.label(),
            .log_x = true};
  add_chance(plot, summary, score);
  add_lines(figures, score.name() + "-by-test-length",
            "Mean over seeds, and from the lowest to the highest of them.", summary, plot,
            [&](const Group& group) {
              Columns columns;
              for (const Record* run : group.ok) {
                for (const SettingMetrics& test : run->stored->result.settings) {
                  if (is_length(test)) columns[length_of(test)].push_back(score.of(test.metrics));
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
        depths[slice.value][length_of(test)].push_back(slice.accuracy);
        lengths.insert(length_of(test));
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

void add_speeds(std::vector<Figure>& figures, const Summary& summary) {
  const auto by_context = [&](std::map<std::int64_t, double> Cost::*speeds) {
    return [speeds](const Group& group) {
      Columns columns;
      for (const Record* run : group.ok) {
        for (const auto& [context, value] : run->stored->result.cost.*speeds)
          columns[static_cast<double>(context)].push_back(value);
      }
      return columns;
    };
  };
  const std::string caption = "One sequence on one thread; mean, lowest and highest of the seeds.";
  add_lines(figures, "prefill", caption, summary,
            {.title = "Speed of prefill",
             .x_label = "context (tokens)",
             .y_label = "prefill (tokens/s)",
             .log_x = true,
             .log_y = true},
            by_context(&Cost::prefill_tokens_per_s));
  add_lines(figures, "decode", caption, summary,
            {.title = "Time to decode a token",
             .x_label = "context (tokens)",
             .y_label = "decoding (us/token)",
             .log_x = true,
             .log_y = true},
            by_context(&Cost::decode_us_per_token));
}

}  // namespace

std::vector<Figure> figures_of(const Summary& summary) {
  const Score score = score_of(summary);
  std::vector<Figure> figures;
  add_memory(figures, summary, score);
  add_curves(figures, summary, score);
  add_lengths(figures, summary, score);
  add_slices(figures, summary, score);
  for (const Group& group : summary.groups) add_map(figures, group);
  add_speeds(figures, summary);
  return figures;
}

}  // namespace seqbench
