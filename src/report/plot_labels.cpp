#include "report/plot_labels.h"

#include <algorithm>
#include <array>

#include "report/plot_parts.h"

namespace seqbench {
namespace {

constexpr double kLetterHeight = 14;

// Places around a point, the best one first.
std::array<Box, 8> around(double x, double y, double width) {
  const double right = x + 8, left = x - 8 - width, middle = x - width / 2;
  const double above = y - 22, level = y - 7, below = y + 8;
  return {{{right, level, width, kLetterHeight},
           {left, level, width, kLetterHeight},
           {middle, below, width, kLetterHeight},
           {middle, above, width, kLetterHeight},
           {right, below, width, kLetterHeight},
           {left, above, width, kLetterHeight},
           {left, below, width, kLetterHeight},
           {right, above, width, kLetterHeight}}};
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
    const auto places = around(label.x, label.y, width_of(label.text));
    const auto* const place = std::ranges::find_if(places, [&](const Box& box) {
      return box.inside(area) &&
             std::ranges::none_of(taken, [&](const Box& other) { return box.overlaps(other); });
    });
    if (place == places.end()) continue;
    taken.push_back(*place);
    text += text_at(place->x, place->y + 11, "start", "label", label.text);
  }
  return text;
}

}  // namespace seqbench
