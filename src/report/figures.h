// The plots of a summary.
#pragma once
#include <string>
#include <vector>

#include "experiment/table.h"
#include "report/summary.h"

namespace seqbench {

struct Figure {
  std::string name;     // for a file: "curves", "memory", "accuracy-by-distance"
  std::string svg;      // an <svg> element, for a page with plot_style()
  std::string caption;  // what is drawn, and how
  Table data;           // its numbers
};

// Test score against the bytes of state; learning curves; score by what varies, by slice and by length; maps
// over length and depth; prefill and decoding speed by context. Those only for which there are figures.
std::vector<Figure> figures_of(const Summary& summary);

}  // namespace seqbench
