// Names beside the points of a scatter plot, clear of all that is drawn.
#pragma once
#include <string>
#include <vector>

namespace seqbench {

// In units of the picture, y growing downwards.
struct Box {
  double x = 0, y = 0, width = 0, height = 0;
  bool overlaps(const Box& other) const;
  bool inside(const Box& other) const;
};

struct PlotLabel {
  double x = 0, y = 0;  // of its point
  std::string text;
};

// SVG text of the labels, in their order: as near to its point as there is a place inside `area` and clear of
// `taken` and of each other, away from it with a line to it; where there is no such place, over what is
// drawn.
std::string placed_labels(const std::vector<PlotLabel>& labels, std::vector<Box> taken, const Box& area);

}  // namespace seqbench
