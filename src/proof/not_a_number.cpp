#include "proof/not_a_number.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace seqbench::proof {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr std::int64_t kLength = 70;  // more than a chunk, a tile and every window of the variants
constexpr std::int64_t kToken = 33;
constexpr std::int64_t kPlaces = 8;  // tried of each parameter
constexpr std::size_t kRow = kLength * kWidth;
constexpr std::size_t kBegin = kToken * kWidth;

using Run = std::function<Outputs(const Inputs&)>;

bool has_nan(const Numbers& x) {
  return std::ranges::any_of(x, [](double v) { return std::isnan(v); });
}

Numbers slice(const Numbers& x, std::size_t first, std::size_t end) {
  return {x.begin() + static_cast<std::ptrdiff_t>(first), x.begin() + static_cast<std::ptrdiff_t>(end)};
}

// What one number did when it was as it is, moved by 1, and NaN.
struct Three {
  const Numbers& is;
  const Numbers& moved;
  const Numbers& poisoned;

  bool reached(std::size_t first, std::size_t end) const {
    for (std::size_t i = first; i < end; ++i) {
      if (moved[i] != is[i] && !std::isnan(poisoned[i])) return false;
    }
    return true;
  }
  bool reached() const { return reached(0, is.size()); }
  bool kept_or_nan(std::size_t first, std::size_t end) const {
    for (std::size_t i = first; i < end; ++i) {
      if (poisoned[i] != is[i] && !std::isnan(poisoned[i])) return false;
    }
    return true;
  }
};

void of_input(Worst& worst, const std::string& how, const Run& run, const Inputs& in, bool decoding) {
  const Outputs is = run(in);
  for (const std::size_t channel : {std::size_t{0}, std::size_t{7}, std::size_t{kWidth - 1}}) {
    const auto with = [&](double value) {
      Inputs other = in;
      other.x[kBegin + channel] = value;
      return run(other);
    };
    const Outputs moved = with(in.x[kBegin + channel] + 1);
    const Outputs poisoned = with(kNan);
    const std::string what = fmt::format("{}, x of channel {}", how, channel);
    const Three y = {is.y, moved.y, poisoned.y};
    worst.require(what + ": lost before y of its token", has_nan(slice(poisoned.y, kBegin, kBegin + kWidth)));
    worst.require(what + ": lost before y", y.reached());
    worst.require(what + ": changes earlier tokens", y.kept_or_nan(0, kBegin));
    if (decoding) worst.same(what + ": earlier tokens", slice(poisoned.y, 0, kBegin), slice(is.y, 0, kBegin));
    worst.same(what + ": other rows", slice(poisoned.y, kRow, 2 * kRow), slice(is.y, kRow, 2 * kRow));
    if (poisoned.dx.empty()) continue;
    worst.require(what + ": lost before its own gradient",
                  Three{is.dx, moved.dx, poisoned.dx}.reached(kBegin, kBegin + kWidth));
    worst.same(what + ": gradient of other rows", slice(poisoned.dx, kRow, 2 * kRow),
               slice(is.dx, kRow, 2 * kRow));
    worst.require(what + ": lost before the gradients of parameters", has_nan(poisoned.dw));
  }
}

void of_output_gradient(Worst& worst, const std::string& how, const Run& run, const Inputs& in) {
  const Outputs is = run(in);
  const auto with = [&](double value) {
    Inputs other = in;
    other.dy[kBegin + 3] = value;
    return run(other);
  };
  const Outputs moved = with(in.dy[kBegin + 3] + 1);
  const Outputs poisoned = with(kNan);
  worst.require(how + ", dy: lost before dx", Three{is.dx, moved.dx, poisoned.dx}.reached());
  worst.require(how + ", dy: lost before the gradients of parameters",
                Three{is.dw, moved.dw, poisoned.dw}.reached());
  worst.same(how + ", dy: gradient of other rows", slice(poisoned.dx, kRow, 2 * kRow),
             slice(is.dx, kRow, 2 * kRow));
}

void of_weights(Worst& worst, const std::string& how, Subject& subject, const Run& run, const Inputs& in) {
  const Numbers is = run(in).y;
  for (const Parameter& parameter : subject.parameters().all()) {
    const std::int64_t step = std::max<std::int64_t>(1, parameter.size() / kPlaces);
    for (std::int64_t n = step - 1; n < parameter.size(); n += step) {
      const std::int64_t i = parameter.offset + n;
      const double weight = subject.weight(i);
      const auto with = [&](double value) {
        subject.set_weight(i, value);
        const Numbers y = run(in).y;
        subject.set_weight(i, weight);
        return y;
      };
      const Numbers moved = with(weight + 1);
      const Numbers poisoned = with(kNan);
      const std::string what = fmt::format("{}, number {} of {}", how, n, parameter.name);
      worst.require(what + ": lost", has_nan(poisoned));
      worst.require(what + ": lost in part", Three{is, moved, poisoned}.reached());
    }
  }
}

}  // namespace

Finding not_a_number(const Case& of) {
  Worst worst;
  for (std::int64_t layer = 0; layer < (of.entry->own_block ? 2 : 1); ++layer) {
    for (const DType type : {DType::f32, DType::f64}) {
      Subject subject(of, type, layer);
      const Inputs trained = Inputs::random(kLength, 111);
      Inputs read = trained;
      read.dy.clear();
      const auto name = [&](const std::string& way) {
        return fmt::format("{} in {}", way, type == DType::f32 ? "f32" : "f64");
      };
      for (const Way& way : subject.ways(kLength)) {
        const Run run = [&](const Inputs& in) { return subject.run(in, way); };
        of_input(worst, name(name_of(way.form)), run, trained, false);
        of_output_gradient(worst, name(name_of(way.form)), run, trained);
        of_weights(worst, name(name_of(way.form)), subject, run, read);
      }
      const Run decode = [&](const Inputs& in) {
        return subject.run_in_place(in, subject.token_by_token(kLength));
      };
      of_input(worst, name("decoding"), decode, read, true);
      of_weights(worst, name("decoding"), subject, decode, read);
    }
  }
  return worst.finding();
}

}  // namespace seqbench::proof
