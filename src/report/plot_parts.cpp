#include "report/plot_parts.h"

#include <fmt/format.h>

#include "report/plot.h"

namespace seqbench {

double width_of(const std::string& text) {
  constexpr double kLetter = 6.9;  // of 12 units
  return kLetter * static_cast<double>(text.size());
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& kind,
                    const std::string& text) {
  return fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>", kind, x, y,
                     anchor, svg_escape(text));
}

std::string line(double x1, double y1, double x2, double y2, const std::string& kind) {
  return fmt::format("<line class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"/>", kind, x1,
                     y1, x2, y2);
}

}  // namespace seqbench
