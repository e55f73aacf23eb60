// Pieces of SVG that all plots are drawn with. Places are in units of the picture, from its upper left
// corner.
#pragma once
#include <string>

namespace seqbench {

constexpr double kPlotWidth = 520;

// What a text takes at most, on average, in units.
double width_of(const std::string& text);

// `anchor`: start, middle or end; `kind`: a class of plot_style().
std::string text_at(double x, double y, const std::string& anchor, const std::string& kind,
                    const std::string& text);

std::string line(double x1, double y1, double x2, double y2, const std::string& kind);

}  // namespace seqbench
