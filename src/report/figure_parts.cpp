#include "report/figure_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "experiment/statistics.h"

namespace seqbench {
namespace {

PlotPoint point_of(double x, const std::vector<double>& values) {
  const auto [low, high] = std::ranges::minmax(values);
  PlotPoint point{.x = x, .y = mean(values)};
  if (values.size() > 1) {
    point.low = low;
    point.high = high;
  }
  return point;
}

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

}  // namespace

std::string Score::label(const std::string& split) const {
  return split + (excess ? " loss above the source (nats)" : loss ? " loss (nats)" : " accuracy");
}

Score score_of(const Summary& summary) {
  const auto known = [](const Metrics& metrics) { return metrics.excess.has_value(); };
  bool any = false, all = true;
  for (const Group& group : summary.groups) {
    for (const Record* run : group.ok) {
      const RunResult& result = run->stored->result;
      any = true;
      all = all && known(result.test) && known(result.valid) &&
            std::ranges::all_of(result.settings, known, &SettingMetrics::metrics);
    }
  }
  return {.loss = score_metric(summary) == "test.loss", .excess = any && all};
}

std::string digits(double value) { return std::isfinite(value) ? fmt::format("{:.6g}", value) : ""; }

Table data_table(const Plot& plot) {
  Table data;
  data.add_column("series", Align::left);
  for (const std::string& name :
       {plot.x_label, plot.y_label, std::string("lowest"), std::string("highest"), std::string("runs")}) {
    data.add_column(name, Align::right);
  }
  return data;
}

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

}  // namespace seqbench
