#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "report/plot.h"
#include "report/plot_parts.h"

namespace seqbench {
namespace {

constexpr double kCell = 26;  // high
constexpr double kTop = 34;

struct Color {
  double red, green, blue;
};

// From light to dark, so that it reads in black and white.
constexpr std::array<Color, 5> kScale = {
    {{239, 245, 251}, {189, 215, 238}, {107, 174, 214}, {33, 113, 181}, {8, 48, 107}}};

std::string color_of(double share) {
  const double place = std::clamp(share, 0.0, 1.0) * (kScale.size() - 1);
  const auto below = std::min(static_cast<std::size_t>(place), kScale.size() - 2);
  const double part = place - static_cast<double>(below);
  const auto mix = [&](double Color::*channel) {
    return static_cast<int>(
        std::lround(kScale[below].*channel * (1 - part) + kScale[below + 1].*channel * part));
  };
  return fmt::format("#{:02x}{:02x}{:02x}", mix(&Color::red), mix(&Color::green), mix(&Color::blue));
}

std::string cell(double x, double y, double width, double value, double share) {
  const std::string where =
      fmt::format("x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"", x, y, width - 1, kCell - 1);
  if (!std::isfinite(value)) return fmt::format("<rect class=\"none\" {}/>", where);
  return fmt::format(
      "<rect fill=\"{}\" {}/><text class=\"cell\" fill=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" "
      "text-anchor=\"middle\">{:.2f}</text>",
      color_of(share), where, share > 0.55 ? "#ffffff" : "#102030", x + width / 2, y + kCell / 2 + 4, value);
}

}  // namespace

std::string svg(const HeatMap& map) {
  double widest = 0;
  for (const std::string& row : map.rows) widest = std::max(widest, width_of(row));
  const double left = 34 + widest;
  const double width =
      (kPlotWidth - left - 14) / static_cast<double>(std::max<std::size_t>(1, map.columns.size()));
  const double bottom = kTop + kCell * static_cast<double>(map.rows.size());
  std::string inside = text_at(14, 22, "start", "title", map.title);
  for (std::size_t r = 0; r < map.rows.size(); ++r) {
    const double y = kTop + kCell * static_cast<double>(r);
    inside += text_at(left - 7, y + kCell / 2 + 4, "end", "tick", map.rows[r]);
    for (std::size_t c = 0; c < map.columns.size(); ++c) {
      const double value = map.values[r][c];
      inside += cell(left + width * static_cast<double>(c), y, width, value,
                     (value - map.low) / (map.high - map.low));
    }
  }
  for (std::size_t c = 0; c < map.columns.size(); ++c)
    inside +=
        text_at(left + width * (static_cast<double>(c) + 0.5), bottom + 16, "middle", "tick", map.columns[c]);
  inside += text_at(left + (kPlotWidth - left) / 2, bottom + 36, "middle", "label", map.x_label);
  inside += fmt::format(
      "<text class=\"label\" text-anchor=\"middle\" transform=\"translate(14 {:.1f}) rotate(-90)\">{}</text>",
      (kTop + bottom) / 2, svg_escape(map.y_label));
  return fmt::format(
      "<svg class=\"plot\" viewBox=\"0 0 {:.0f} {:.0f}\" role=\"img\"><title>{}</title>{}</svg>", kPlotWidth,
      bottom + 46, svg_escape(map.title), inside);
}

}  // namespace seqbench
