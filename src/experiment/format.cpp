#include "experiment/format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace seqbench {
namespace {

// Three digits of a value in [0, 1000).
std::string three_digits(double value) {
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  return fmt::format("{:.0f}", value);
}

// In UTF-8: no byte that continues one.
bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }

// `value` in the largest unit it reaches; the threshold keeps 999.6 from becoming "1000".
template <std::size_t N>
std::string in_units(double value, double step, const std::array<const char*, N>& units) {
  std::size_t unit = 0;
  while (unit + 1 < N && value >= 999.5) {
    value /= step;
    ++unit;
  }
  return three_digits(value) + units[unit];
}

}  // namespace

std::string short_number(double value) {
  if (!std::isfinite(value)) return "-";
  if (value < 0) return fmt::format("-{}", short_number(-value));
  if (value == std::floor(value) && value < 1000) return fmt::format("{:.0f}", value);
  return in_units(value, 1000, std::array{"", "k", "M", "G", "T", "P", "E"});
}

std::string short_bytes(std::int64_t bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  return in_units(static_cast<double>(bytes) / 1024, 1024, std::array{" KiB", " MiB", " GiB", " TiB"});
}

std::string short_duration(double seconds) {
  if (!std::isfinite(seconds)) return "-";
  if (seconds < 9.95) return fmt::format("{:.2f} s", seconds);
  const auto whole = static_cast<std::int64_t>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string share(double value) { return std::isfinite(value) ? fmt::format("{:.3f}", value) : "-"; }

std::size_t characters_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, starts_character));
}

std::string cut(const std::string& text, std::size_t width) {
  if (characters_of(text) <= width) return text;
  std::size_t left = std::max<std::size_t>(2, width) - 2;
  std::string kept;
  for (const char c : text) {
    if (starts_character(c) && left-- == 0) break;
    kept += c;
  }
  return kept + "..";
}

}  // namespace seqbench
