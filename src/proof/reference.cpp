#include "proof/reference.h"

#include <algorithm>
#include <cmath>

namespace seqbench::proof {
namespace {

// In f64 every way of computing is the same function to rounding, here some 1e-13; gates and normalisers that
// cancel cost two digits more.
constexpr double kExact = 1e-10;

// A function can be ill conditioned where its inputs happen to lie: a norm of a head that is nearly zero, a
// normaliser that cancels. Results of f32 may then be off as far as those of f64 are when every input, weight
// and number of the state moves by one rounding, times what the roundings along the way add up to.
constexpr double kNearby = 16;
constexpr std::uint64_t kDirections = 4;

// Up or down by a rounding, as a hash of the index has it.
double moved(double x, std::size_t i, std::uint64_t direction) {
  const bool up = ((i + 1) * (2 * direction + 0x9e3779b97f4a7c15U) >> 40U & 1U) != 0;
  return x * (up ? 1 + kFloatEps : 1 - kFloatEps);
}

void move(Numbers& numbers, std::uint64_t direction) {
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = moved(numbers[i], i, direction);
}

}  // namespace

double f32_bound(std::int64_t length) { return 64 * kFloatEps * std::sqrt(static_cast<double>(length)); }

Oracle::Oracle(const Case& of, std::int64_t layer) : at_(of, DType::f64, layer) {
  for (std::uint64_t direction = 0; direction < kDirections; ++direction) {
    Subject& subject = nearby_.emplace_back(of, DType::f64, layer);
    for (std::int64_t i = 0; i < subject.weights(); ++i) {
      subject.set_weight(i, moved(subject.weight(i), static_cast<std::size_t>(i), direction));
    }
  }
}

Reference Oracle::run(const Inputs& in, const Way& way) {
  Reference reference{at_.run(in, way), {}};
  for (std::uint64_t direction = 0; direction < kDirections; ++direction) {
    StateNumbers start = in.start == nullptr ? StateNumbers{} : *in.start;
    for (Numbers& part : start.parts) move(part, direction);
    Inputs other = in;
    move(other.x, direction);
    if (in.start != nullptr) other.start = &start;
    reference.nearby.push_back(nearby_[direction].run(other, way));
  }
  return reference;
}

Comparison::Comparison(Worst& worst, const Reference& reference, std::int64_t length)
    : worst_(worst), at_(reference.at), nearby_(reference.nearby), bound_(f32_bound(length)) {}

Comparison::Comparison(Worst& worst, const Outputs& reference)
    : worst_(worst), at_(reference), bound_(kExact) {}

template <class Part>
void Comparison::compare(const std::string& what, const Outputs& got, double slack, const Part& part) const {
  double most = 0;
  for (const Outputs& nearby : nearby_) most = std::max(most, relative_error(part(nearby), part(at_)));
  worst_.compare(what, part(got), part(at_), std::max(slack * bound_, kNearby * most));
}

void Comparison::outputs(const std::string& how, const Outputs& got) const {
  worst_.require(how + ": outputs are all zero", rms(at_.y) > 1e-3);
  compare(how + ": outputs", got, 1, [](const Outputs& of) -> const Numbers& { return of.y; });
  for (std::size_t i = 0; i < at_.end.parts.size(); ++i) {
    worst_.require(how + ": a state of another shape", got.end.shapes[i] == at_.end.shapes[i]);
    compare(how + ": final state", got, 1,
            [i](const Outputs& of) -> const Numbers& { return of.end.parts[i]; });
  }
}

// A gradient is a product of several rounded factors: eight times the bound of an output.
void Comparison::gradients(const std::string& how, const Outputs& got) const {
  worst_.require(how + ": gradients are all zero", rms(at_.dx) > 1e-6 && rms(at_.dw) > 1e-6);
  compare(how + ": gradient of x", got, 8, [](const Outputs& of) -> const Numbers& { return of.dx; });
  compare(how + ": gradients of parameters", got, 8,
          [](const Outputs& of) -> const Numbers& { return of.dw; });
  for (std::size_t i = 0; i < at_.d_start.size(); ++i) {
    compare(how + ": gradient of the initial state", got, 8,
            [i](const Outputs& of) -> const Numbers& { return of.d_start[i]; });
  }
}

}  // namespace seqbench::proof
