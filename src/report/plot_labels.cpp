#include "report/plot_labels.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "report/plot_parts.h"

namespace seqbench {
namespace {

constexpr double kLetterHeight = 14;

constexpr double kRing = 16;
constexpr int kRings = 12;

// Places around a point, the best one first; `away` further than beside it.
std::array<Box, 8> around(double x, double y, double width, double away) {
  const double right = x + 8 + away, left = x - 8 - away - width, middle = x - width / 2;
  const double above = y - 22 - away, level = y - 7, below = y + 8 + away;
  return {{{right, level, width, kLetterHeight},
           {left, level, width, kLetterHeight},
           {middle, below, width, kLetterHeight},
           {middle, above, width, kLetterHeight},
           {right, below, width, kLetterHeight},
           {left, above, width, kLetterHeight},
           {left, below, width, kLetterHeight},
           {right, above, width, kLetterHeight}}};
}

Box place_of(const PlotLabel& label, const std::vector<Box>& taken, const Box& area) {
  const double width = width_of(label.text);
  for (int ring = 0; ring < kRings; ++ring) {
    for (const Box& box : around(label.x, label.y, width, ring * kRing)) {
      const bool free = std::ranges::none_of(taken, [&](const Box& other) { return box.overlaps(other); });
      if (free && box.inside(area)) return box;
    }
  }
  const double rightmost = std::max(area.x, area.x + area.width - width);
  return {std::clamp(label.x + 8, area.x, rightmost),
          std::clamp(label.y - 7, area.y, area.y + area.height - kLetterHeight), width, kLetterHeight};
}

// From the point to the nearest of a name that stands away from it.
std::string leader(const PlotLabel& label, const Box& box) {
  const double x = std::clamp(label.x, box.x, box.x + box.width);
  const double y = std::clamp(label.y, box.y, box.y + box.height);
  return std::hypot(x - label.x, y - label.y) < kRing ? "" : line(label.x, label.y, x, y, "axis");
}

}  // namespace

bool Box::overlaps(const Box& other) const {
  return x < other.x + other.width && other.x < x + width && y < other.y + other.height &&
         other.y < y + height;
}

bool Box::inside(const Box& other) const {
  return x >= other.x && y >= other.y && x + width <= other.x + other.width &&
         y + height <= other.y + other.height;
}

std::string placed_labels(const std::vector<PlotLabel>& labels, std::vector<Box> taken, const Box& area) {
  std::string text;
  for (const PlotLabel& label : labels) {
    const Box box = place_of(label, taken, area);
    taken.push_back(box);
    text += leader(label, box) + text_at(box.x, box.y + 11, "start", "label", label.text);
  }
  return text;
}

}  // namespace seqbench
