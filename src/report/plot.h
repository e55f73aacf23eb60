// Plots as SVG text: no script, nothing loaded from elsewhere.
#pragma once
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace seqbench {

constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

struct PlotPoint {
  double x = 0, y = 0;                       // a y that is no number breaks the line
  double low = kNoFigure, high = kNoFigure;  // band of a line, error bar of a scattered point
  std::string label = {};                    // written beside a scattered point
};

struct PlotSeries {
  std::string name;
  int color = 0;  // of ten; dashes and markers go with it, so that it reads in black and white
  std::vector<PlotPoint> points;
};

enum class PlotKind { lines, scatter };

struct Plot {
  std::string title, x_label, y_label;           // labels with their units
  bool log_x = false, log_y = false;             // values of 0 and below are left out
  bool bytes_x = false;                          // ticks at powers of two: 1 KiB, 16 KiB, 4 MiB
  std::optional<double> y_min = {}, y_max = {};  // of the axis; default: what the data needs
  PlotKind kind = PlotKind::lines;
  std::vector<PlotSeries> series = {};
  std::vector<PlotPoint> front_line = {};                  // dashed steps behind the points
  std::vector<std::pair<std::string, double>> marks = {};  // named horizontal lines
};

struct HeatMap {
  std::string title, x_label, y_label;
  std::vector<std::string> columns = {}, rows = {};
  std::vector<std::vector<double>> values = {};  // [row][column]; no number: left empty
  double low = 0, high = 1;                      // of the colours
};

// An <svg> element for a page that has plot_style() among its styles. 520 units wide; it scales.
std::string svg(const Plot& plot);
std::string svg(const HeatMap& map);

// CSS: colours for light, for dark where the reader's system asks for it, and light on paper.
std::string plot_style();
// A file of its own from such an element, in light colours.
std::string svg_file(const std::string& element);

// `text` as it stands in XML and HTML; what is no UTF-8 or no character of a text becomes U+FFFD.
std::string svg_escape(const std::string& text);

}  // namespace seqbench
