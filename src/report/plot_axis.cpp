#include "report/plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <set>

namespace seqbench {
namespace {

constexpr int kMostTicks = 8;

std::string number(double value) {
  static constexpr std::array<const char*, 6> kUnits = {"", "k", "M", "G", "T", "P"};
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && std::abs(value) >= 999.5) {
    value /= 1000;
    ++unit;
  }
  return fmt::format("{:.4g}{}", value, kUnits[unit]);
}

std::string byte_count(double value) {
  static constexpr std::array<const char*, 5> kUnits = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  while (unit + 1 < kUnits.size() && value >= 1024) {
    value /= 1024;
    ++unit;
  }
  return fmt::format("{:.4g}{}", value, kUnits[unit]);
}

// The least of 1, 2 and 5 times a power of ten that is not below `value`.
double round_up(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::vector<Tick> linear_ticks(const PlotAxis& axis) {
  std::vector<Tick> ticks;
  const double step = round_up((axis.high - axis.low) / (kMostTicks - 2));
  const double slack = step * 1e-6;
  const double first = std::ceil((axis.low - slack) / step);
  const int count = static_cast<int>(std::floor((axis.high + slack) / step) - first) + 1;
  for (int i = 0; i < count; ++i) {
    const double multiple = first + i;
    ticks.push_back({multiple * step, number(multiple == 0 ? 0 : multiple * step)});
  }
  return ticks;
}

// Powers of `base`, so many apart that there are few enough.
std::vector<Tick> power_ticks(const PlotAxis& axis, double base) {
  const auto first = static_cast<int>(std::ceil(std::log(axis.low) / std::log(base) - 1e-9));
  const auto last = static_cast<int>(std::floor(std::log(axis.high) / std::log(base) + 1e-9));
  const int apart = std::max(1, (last - first + kMostTicks - 1) / (kMostTicks - 1));
  std::vector<Tick> ticks;
  for (int power = first; power <= last; power += apart) {
    const double value = std::pow(base, power);
    ticks.push_back({value, axis.bytes ? byte_count(value) : number(value)});
  }
  return ticks;
}

// With 2 and 5 times each power between them, where that is not too many.
std::vector<Tick> decade_ticks(const PlotAxis& axis) {
  if (std::log10(axis.high / axis.low) > 2.3) return power_ticks(axis, 10);
  std::vector<Tick> ticks;
  for (double power = std::pow(10, std::floor(std::log10(axis.low))); power <= axis.high; power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = factor * power;
      if (value >= axis.low && value <= axis.high) ticks.push_back({value, number(value)});
    }
  }
  return ticks.size() < 2 ? linear_ticks(axis) : ticks;
}

// Values that only rounding tells apart are one: a mean is not always the value that all have.
bool is_one_value(double low, double high) {
  return high - low <= 1e-9 * std::max(std::abs(low), std::abs(high));
}

}  // namespace

double PlotAxis::at(double value) const {
  const double share = log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from + share * (to - from);
}

bool PlotAxis::holds(double value) const { return std::isfinite(value) && (!log || value > 0); }

PlotAxis axis_around(const std::vector<double>& values, bool log, bool bytes) {
  PlotAxis axis{.log = log, .bytes = bytes};
  std::vector<double> held;
  std::ranges::copy_if(values, std::back_inserter(held), [&](double value) { return axis.holds(value); });
  if (held.empty()) held = {log ? 1.0 : 0.0, log ? 10.0 : 1.0};
  const auto [low, high] = std::ranges::minmax(held);
  const bool one = is_one_value(low, high);
  if (log) {
    const double margin = one ? 2 : std::pow(high / low, 0.04);
    axis.low = low / margin;
    axis.high = high * margin;
  } else {
    const double margin = one ? std::max(0.5, 0.1 * std::abs(low)) : 0.04 * (high - low);
    axis.low = low - margin;
    axis.high = high + margin;
  }
  return axis;
}

std::vector<Tick> ticks(const PlotAxis& axis) {
  if (!axis.log) return linear_ticks(axis);
  return axis.bytes ? power_ticks(axis, 2) : decade_ticks(axis);
}

std::vector<Tick> ticks_at(const std::vector<double>& values, const PlotAxis& axis) {
  const std::set<double> distinct(values.begin(), values.end());
  if (distinct.empty() || std::ssize(distinct) > kMostTicks) return ticks(axis);
  std::vector<Tick> all;
  for (const double value : distinct) all.push_back({value, fmt::format("{:.7g}", value)});
  return all;
}

}  // namespace seqbench
