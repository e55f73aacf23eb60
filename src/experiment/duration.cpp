#include "experiment/duration.h"

#include <charconv>
#include <cmath>

#include "base/error.h"

namespace seqbench {
namespace {

double seconds_of(char unit) {
  switch (unit) {
    case 's':
      return 1;
    case 'm':
      return 60;
    case 'h':
      return 3600;
    case 'd':
      return 86400;
    default:
      return 0;
  }
}

constexpr double kLongest = 1e9;  // 30 years: well within what clocks count

}  // namespace

double parse_duration(const std::string& option, const std::string& text) {
  double count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool has_unit = error == std::errc() && end + 1 == text.data() + text.size();
  const double seconds = has_unit ? count * seconds_of(*end) : 0;
  fail_if(!(seconds > 0 && seconds <= kLongest),
          "{} \"{}\": expected a time above 0 with its unit, like 90s, 30m, 2h or 1.5d.", option, text);
  return seconds;
}

}  // namespace seqbench
