#include "report/figures.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "report/figure_parts.h"
#include "report/metric.h"

namespace seqbench {
namespace {

// Seeds that solved their task may stop early: without them, the mean of the others would fall.
Columns curve_columns(const Group& group, const Score& score) {
  std::vector<std::map<double, double>> curves;
  std::set<double> steps;
  for (const Record* run : group.ok) {
    curves.emplace_back();
    for (const CurvePoint& point : load_curve(*run)) {
      const auto step = static_cast<double>(point.step);
      curves.back()[step] =
          score.loss ? point.valid_loss - score.floor(run->stored->result.valid) : point.valid_accuracy;
      steps.insert(step);
    }
  }
  Columns columns;
  for (const double step : steps) {
    for (const auto& curve : curves) {
      const auto after = curve.upper_bound(step);
      if (after != curve.begin()) columns[step].push_back(std::prev(after)->second);
    }
  }
  return columns;
}

void add_curves(std::vector<Figure>& figures, const Summary& summary, const Score& score) {
  Plot plot{.title = "Learning curves", .x_label = "training step", .y_label = score.label("validation")};
  add_chance(plot, summary, score);
  add_lines(
      figures, "curves",
      "Mean over seeds, and from the lowest to the highest of them; a seed that stopped early keeps its "
      "last value.",
      summary, plot, [&](const Group& group) { return curve_columns(group, score); });
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
            .y_label = score.label("test"),
            .log_x = true,
            .bytes_x = true,
            .kind = PlotKind::scatter};
  add_chance(plot, summary, score);
  Table data = data_table(plot);
  std::vector<PlotPoint> all;
  for (const Group& group : summary.groups) {
    const double bytes = middle_of(group, "cost.state_bytes@task");
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
  const bool one_task = std::ranges::none_of(summary.fields, is_of_task);
  if (one_task) plot.front_line = pareto_front(all, score.loss);
  figures.push_back({"memory", svg(plot),
                     std::string("Mean and 95% interval.") +
                         (one_task ? " Dashed: the best score that is reached with so many bytes." : ""),
                     data});
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
  add_axes(figures, summary, score);
  add_tests(figures, summary, score);
  add_speeds(figures, summary);
  return figures;
}

}  // namespace seqbench
