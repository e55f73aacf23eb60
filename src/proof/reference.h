// What f32 is compared with: f64, and how far f64 itself moves when its inputs do.
#pragma once
#include <cstdint>
#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "proof/subject.h"
#include "proof/worst.h"

namespace seqbench::proof {

constexpr double kFloatEps = std::numeric_limits<float>::epsilon();

// f32 against f64: some tens of roundings a number, which add up like a random walk over the length.
double f32_bound(std::int64_t length);

// What f64 has, and what it has for inputs that are off by a rounding of f32, in a few directions.
struct Reference {
  Outputs at;
  std::vector<Outputs> nearby;
};

// Computes a Reference.
class Oracle {
 public:
  Oracle(const Case& of, std::int64_t layer);
  Subject& subject() { return at_; }
  Reference run(const Inputs& in, const Way& way);

 private:
  Subject at_;
  std::deque<Subject> nearby_;
};

// Adds to `worst` how far some results are from a reference, which must both outlive it.
class Comparison {
 public:
  // Of f32, with the bound of that length or, where f64 moves more, that of its movement.
  Comparison(Worst& worst, const Reference& reference, std::int64_t length);
  // Of f64.
  Comparison(Worst& worst, const Outputs& reference);

  // y and the final state.
  void outputs(const std::string& how, const Outputs& got) const;
  // Of x, of the parameters and of the initial state.
  void gradients(const std::string& how, const Outputs& got) const;

 private:
  template <class Part>
  void compare(const std::string& what, const Outputs& got, double slack, const Part& part) const;

  Worst& worst_;
  const Outputs& at_;
  std::span<const Outputs> nearby_ = {};
  double bound_;
};

}  // namespace seqbench::proof
