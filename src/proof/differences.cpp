#include "proof/differences.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace seqbench::proof {
namespace {

// Central differences with a step of 1e-6 of losses of size 10 to 100: rounding leaves 1e-9, the third
// derivative less.
constexpr double kDifference = 1e-6;
constexpr double kStep = 1e-6;

// The numbers of one parameter out of all.
Numbers part_of(const Numbers& all, const Parameter& parameter) {
  return {all.begin() + parameter.offset, all.begin() + parameter.offset + parameter.size()};
}

// d loss / d value by central differences. `set` changes the number, `loss` evaluates.
template <class Set, class Loss>
double difference(double value, double step, const Set& set, const Loss& loss) {
  set(value + step);
  const double above = loss();
  set(value - step);
  const double below = loss();
  set(value);
  return (above - below) / (2 * step);
}

// Which of `count` numbers to try: all of few, some of many, never the same residue of a head's width.
std::vector<std::int64_t> sample(std::int64_t count, std::int64_t most) {
  const std::int64_t stride = std::max<std::int64_t>(1, count / most) | 1;
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < count; i += stride) indices.push_back(i);
  return indices;
}

class Differences {
 public:
  Differences(const Case& of, std::int64_t layer, bool with_state)
      : subject_(of, DType::f64, layer), in_(Inputs::random(kTokens, 11)), start_(subject_.warm_state(2, 9)) {
    if (!with_state) return;
    in_.start = &start_;
    in_.d_end_seed = 5;
  }

  void prove(Worst& worst) {
    const Outputs exact = run(true);
    least_scale_ = 0.05 * rms(exact.dx);
    worst.require("gradient of x is all zero", rms(exact.dx) > 1e-4);
    compare(worst, "x", in_.x, exact.dx, 60);
    for (const Parameter& parameter : subject_.parameters().all()) {
      compare_parameter(worst, parameter, part_of(exact.dw, parameter));
    }
    for (std::size_t i = 0; in_.start != nullptr && i < start_.parts.size(); ++i) {
      compare(worst, "the initial state", start_.parts[i], exact.d_start[i], 60);
    }
  }

 private:
  // With the nine before, more than a window and what is selected beyond it hold by default.
  static constexpr std::int64_t kTokens = 12;
  // Whether other numbers in its place change anything: those of a query that only chooses do so without a
  // gradient.
  bool matters(const Parameter& parameter) {
    const Outputs before = run(false);
    const Numbers other = normal_numbers(parameter.size(), 17);
    Numbers kept;
    for (std::int64_t i = 0; i < parameter.size(); ++i) {
      kept.push_back(subject_.weight(parameter.offset + i));
      subject_.set_weight(parameter.offset + i, other[static_cast<std::size_t>(i)]);
    }
    const Outputs after = run(false);
    for (std::int64_t i = 0; i < parameter.size(); ++i) {
      subject_.set_weight(parameter.offset + i, kept[static_cast<std::size_t>(i)]);
    }
    return after.y != before.y || after.end.parts != before.end.parts;
  }

  // A gradient that is nothing beside that of x has no digits of its own in a difference of losses.
  double scale_of(const Numbers& exact) const { return std::max(rms(exact), least_scale_); }
  Outputs run(bool backward) {
    in_.backward = backward;
    return subject_.run(in_, subject_.whole(in_.length));
  }
  double loss() { return run(false).loss; }

  // An element next to a kink (a tie, a maximum of two equal numbers) has no gradient: a smaller step may
  // stay on its side.
  template <class Set>
  double error_of(double value, double exact, double scale, const Set& set) {
    double least = std::numeric_limits<double>::infinity();
    for (const double step : {kStep, kStep / 16}) {
      const double off = std::abs(exact - difference(value, step, set, [&] { return loss(); })) / scale;
      least = std::min(least, off);
      if (least <= kDifference) break;
    }
    return least;
  }

  void compare(Worst& worst, const std::string& what, Numbers& numbers, const Numbers& exact,
               std::int64_t most) {
    const double scale = scale_of(exact);
    for (const std::int64_t i : sample(static_cast<std::int64_t>(numbers.size()), most)) {
      const auto at = static_cast<std::size_t>(i);
      worst.add("gradient of " + what,
                error_of(numbers[at], exact[at], scale, [&](double value) { numbers[at] = value; }),
                kDifference);
    }
  }

  void compare_parameter(Worst& worst, const Parameter& parameter, const Numbers& exact) {
    // From an empty state some parameters make no difference: sLSTM's input bias scales all it has read.
    worst.require(parameter.name + " has no gradient and makes no difference",
                  in_.start == nullptr || rms(exact) > 1e-9 || matters(parameter));
    const double scale = scale_of(exact);
    for (const std::int64_t i : sample(parameter.size(), 20)) {
      const std::int64_t at = parameter.offset + i;
      worst.add("gradient of " + parameter.name,
                error_of(subject_.weight(at), exact[static_cast<std::size_t>(i)], scale,
                         [&](double value) { subject_.set_weight(at, value); }),
                kDifference);
    }
  }

  Subject subject_;
  Inputs in_;
  StateNumbers start_;
  double least_scale_ = 0;
};

}  // namespace

void compare_with_differences(Worst& worst, const Case& of, std::int64_t layer, bool with_state) {
  Differences(of, layer, with_state).prove(worst);
}

}  // namespace seqbench::proof
