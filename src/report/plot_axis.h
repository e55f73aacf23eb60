// Where values stand on a plot, and which of them are written at its edge.
#pragma once
#include <string>
#include <vector>

namespace seqbench {

struct Tick {
  double value = 0;
  std::string label;  // "0.25", "10k", "16 KiB"
};

struct PlotAxis {
  double low = 0, high = 1;  // values at its ends; low < high
  bool log = false;
  bool bytes = false;
  double from = 0, to = 1;  // their places, in units of the picture
  double at(double value) const;
  bool holds(double value) const;  // finite, and above 0 on a logarithmic axis
};

// Ends that leave a margin around the values; a single value, or none, gets an axis around it.
PlotAxis axis_around(const std::vector<double>& values, bool log, bool bytes);

// At most eight round values between its ends: 1, 2 or 5 times a power of ten; powers of two for bytes.
std::vector<Tick> ticks(const PlotAxis& axis);

// The values themselves, in full, where they are at most eight: what was measured is read off the axis. Else
// ticks(axis).
std::vector<Tick> ticks_at(const std::vector<double>& values, const PlotAxis& axis);

}  // namespace seqbench
