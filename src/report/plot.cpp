#include "report/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/plot_axis.h"
#include "report/plot_labels.h"
#include "report/plot_parts.h"

namespace seqbench {
namespace {

constexpr double kPlotHeight = 270;
constexpr double kRow = 18;  // of the legend
constexpr int kColors = 10;
constexpr std::size_t kMostMarkers = 16;  // points of a line that are marked one by one

std::string marker(double x, double y, int color) {
  static constexpr std::array<const char*, 5> kShapes = {"m-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
                                                         "m-3.5-3.5h7v7h-7z", "m0-4.5l4.5 8h-9z",
                                                         "m0-5l5 5l-5 5l-5-5z", "m-4.5-3.5h9l-4.5 8z"};
  return fmt::format("<path class=\"mark c{}\" d=\"M{:.1f} {:.1f}{}\"/>", color % kColors, x, y,
                     kShapes[static_cast<std::size_t>(color) % kShapes.size()]);
}

const char* dashes(int color) {
  static constexpr std::array<const char*, 4> kDashes = {
      "", " stroke-dasharray=\"7 3\"", " stroke-dasharray=\"2 3\"", " stroke-dasharray=\"9 3 2 3\""};
  return kDashes[static_cast<std::size_t>(color) % kDashes.size()];
}

class Drawing {
 public:
  explicit Drawing(const Plot& plot) : plot_(plot) {
    std::vector<double> xs, ys;
    const auto add = [&](const PlotPoint& p) {
      if ((plot.log_x && p.x <= 0) || (plot.log_y && p.y <= 0)) return;
      xs.push_back(p.x);
      for (const double y : {p.y, p.low, p.high}) ys.push_back(y);
    };
    for (const PlotSeries& series : plot.series) std::ranges::for_each(series.points, add);
    for (const auto& [name, y] : plot.marks) ys.push_back(y);
    empty_ = xs.empty();
    x_ = axis_around(xs, plot.log_x, plot.bytes_x);
    y_ = axis_around(ys, plot.log_y, false);
    x_ticks_ = plot.kind == PlotKind::lines ? ticks_at(xs, x_) : ticks(x_);
    if (plot.y_min) y_.low = *plot.y_min;
    if (plot.y_max) y_.high = *plot.y_max;
    place();
  }

  std::string svg() const {
    std::string inside = frame();
    if (empty_) inside += text_at((x_.from + x_.to) / 2, (y_.from + y_.to) / 2, "middle", "label", "no data");
    inside += marks() + front();
    for (const PlotSeries& series : plot_.series) {
      inside += plot_.kind == PlotKind::lines ? lines(series) : scattered(series);
    }
    if (plot_.kind == PlotKind::scatter) inside += labels();
    return fmt::format(
        "<svg class=\"plot\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\"><title>{}</title>{}</svg>",
        kPlotWidth, height_, svg_escape(plot_.title), inside);
  }

 private:
  void place() {
    double widest = 0;
    for (const Tick& tick : ticks(y_)) widest = std::max(widest, width_of(tick.label));
    place_legend();
    const double top = legend_bottom_ + 12;
    x_.from = 30 + widest;
    x_.to = kPlotWidth - 22;
    y_.from = top + kPlotHeight;
    y_.to = top;
    height_ = y_.from + 46;
  }

  void place_legend() {
    double x = 14;
    double y = 46;
    std::vector<std::string> names;
    for (const PlotSeries& series : plot_.series) names.push_back(series.name);
    for (const auto& [name, value] : plot_.marks) names.push_back(name);
    for (const std::string& name : names) {
      const double width = 44 + width_of(name);
      if (x > 14 && x + width > kPlotWidth - 8) {
        x = 14;
        y += kRow;
      }
      legend_.emplace_back(x, y);
      x += width;
    }
    legend_bottom_ = names.empty() ? 28 : y + 4;
  }

  std::string frame() const {
    std::string text = text_at(14, 22, "start", "title", plot_.title);
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
      const auto [x, y] = legend_[i];
      const int color = plot_.series[i].color;
      if (plot_.kind == PlotKind::lines)
        text += fmt::format("<path class=\"line c{}\"{} d=\"M{:.1f} {:.1f}h26\"/>", color % kColors,
                            dashes(color), x, y - 4);
      text += marker(x + 13, y - 4, color) + text_at(x + 31, y, "start", "label", plot_.series[i].name);
    }
    for (std::size_t i = 0; i < plot_.marks.size(); ++i) {
      const auto [x, y] = legend_[plot_.series.size() + i];
      text += line(x, y - 4, x + 26, y - 4, "reference") +
              text_at(x + 31, y, "start", "label", plot_.marks[i].first);
    }
    double free_from = 0;
    for (const Tick& tick : x_ticks_) {
      const double x = x_.at(tick.value);
      text += line(x, y_.from, x, y_.to, "grid");
      const double half = width_of(tick.label) / 2;
      if (x - half < free_from) continue;
      text += text_at(x, y_.from + 17, "middle", "tick", tick.label);
      free_from = x + half + 6;
    }
    for (const Tick& tick : ticks(y_)) {
      const double y = y_.at(tick.value);
      text += line(x_.from, y, x_.to, y, "grid") + text_at(x_.from - 7, y + 4, "end", "tick", tick.label);
    }
    text += line(x_.from, y_.from, x_.to, y_.from, "axis") + line(x_.from, y_.from, x_.from, y_.to, "axis");
    text += text_at((x_.from + x_.to) / 2, height_ - 9, "middle", "label", plot_.x_label);
    const double middle = (y_.from + y_.to) / 2;
    return text + fmt::format(
                      "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 {:.1f}) "
                      "rotate(-90)\">{}</text>",
                      middle, svg_escape(plot_.y_label));
  }

  // The legend names them: beside its line, a name would lie on the curves that run there.
  std::string marks() const {
    std::string text;
    for (const auto& [name, value] : plot_.marks) {
      if (!y_.holds(value) || value < y_.low || value > y_.high) continue;
      const double y = y_.at(value);
      text += line(x_.from, y, x_.to, y, "reference");
    }
    return text;
  }

  std::string front() const {
    std::string path;
    for (const PlotPoint& p : plot_.front_line) {
      if (!held(p)) continue;
      path += path.empty() ? fmt::format("M{:.1f} {:.1f}", x_.at(p.x), y_.at(p.y))
                           : fmt::format("H{:.1f}V{:.1f}", x_.at(p.x), y_.at(p.y));
    }
    return path.empty() ? "" : fmt::format("<path class=\"front\" d=\"{}H{:.1f}\"/>", path, x_.to);
  }

  bool held(const PlotPoint& p) const { return x_.holds(p.x) && y_.holds(p.y); }

  // Ends that the axis does not reach are cut there.
  double y_at(double value) const {
    return y_.holds(value) ? y_.at(std::clamp(value, y_.low, y_.high)) : y_.from;
  }

  std::string lines(const PlotSeries& series) const {
    std::string path, above, below, marks;
    bool pen_down = false;
    std::size_t held_points = 0;
    for (const PlotPoint& p : series.points) {
      if (!held(p)) {
        pen_down = false;
        continue;
      }
      ++held_points;
      const double x = x_.at(p.x);
      path += fmt::format("{}{:.1f} {:.1f}", pen_down ? "L" : "M", x, y_at(p.y));
      pen_down = true;
      marks += marker(x, y_at(p.y), series.color);
      if (!std::isfinite(p.low) || !std::isfinite(p.high)) continue;
      above += fmt::format("{:.1f},{:.1f} ", x, y_at(p.high));
      below.insert(0, fmt::format("{:.1f},{:.1f} ", x, y_at(p.low)));
    }
    const int color = series.color % kColors;
    std::string text;
    if (!above.empty())
      text += fmt::format("<polygon class=\"band c{}\" points=\"{}{}\"/>", color, above, below);
    if (held_points > 1)
      text += fmt::format("<path class=\"line c{}\"{} d=\"{}\"/>", color, dashes(series.color), path);
    return text + (held_points <= kMostMarkers ? marks : "");
  }

  std::string scattered(const PlotSeries& series) const {
    std::string text;
    for (const PlotPoint& p : series.points) {
      if (!held(p)) continue;
      const double x = x_.at(p.x);
      if (std::isfinite(p.low) && std::isfinite(p.high))
        text += fmt::format("<path class=\"bar c{}\" d=\"M{:.1f} {:.1f}V{:.1f}\"/>", series.color % kColors,
                            x, y_at(p.low), y_at(p.high));
      text += marker(x, y_at(p.y), series.color);
    }
    return text;
  }

  // What labels keep clear of: points, their error bars, the front.
  std::vector<Box> drawn() const {
    std::vector<Box> boxes;
    for (const PlotSeries& series : plot_.series) {
      for (const PlotPoint& p : series.points) {
        if (!held(p)) continue;
        boxes.push_back({x_.at(p.x) - 6, y_at(p.y) - 6, 12, 12});
        if (std::isfinite(p.low) && std::isfinite(p.high))
          boxes.push_back({x_.at(p.x) - 1, y_at(p.high), 2, y_at(p.low) - y_at(p.high)});
      }
    }
    const PlotPoint* last = nullptr;
    for (const PlotPoint& p : plot_.front_line) {
      if (!held(p)) continue;
      if (last != nullptr) {
        boxes.push_back({x_.at(last->x), y_at(last->y) - 1, x_.at(p.x) - x_.at(last->x), 2});
        boxes.push_back({x_.at(p.x) - 1, y_at(p.y), 2, y_at(last->y) - y_at(p.y)});
      }
      last = &p;
    }
    if (last != nullptr) boxes.push_back({x_.at(last->x), y_at(last->y) - 1, x_.to - x_.at(last->x), 2});
    return boxes;
  }

  std::string labels() const {
    std::vector<PlotLabel> wanted;
    for (const PlotSeries& series : plot_.series) {
      for (const PlotPoint& p : series.points) {
        if (held(p)) wanted.push_back({x_.at(p.x), y_at(p.y), p.label});
      }
    }
    return placed_labels(wanted, drawn(), {x_.from + 2, y_.to, x_.to - x_.from, y_.from - y_.to});
  }

  const Plot& plot_;
  PlotAxis x_, y_;
  std::vector<Tick> x_ticks_;
  std::vector<std::pair<double, double>> legend_;  // where the entry of each series and mark stands
  double legend_bottom_ = 0;
  double height_ = 0;
  bool empty_ = false;
};

}  // namespace

std::string svg(const Plot& plot) { return Drawing(plot).svg(); }

}  // namespace seqbench
