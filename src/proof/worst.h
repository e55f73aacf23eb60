// Collects comparisons and keeps the one nearest to its bound.
#pragma once
#include <string>

#include "proof/numbers.h"

namespace seqbench::proof {

struct Finding {
  bool ok = true;
  double error = 0;  // the one nearest to its bound, or farthest past it
  double bound = 0;
  std::string what;  // of what
};

class Worst {
 public:
  void add(const std::string& what, double error, double bound);
  // The relative error of `value`.
  void compare(const std::string& what, const Numbers& value, const Numbers& reference, double bound);
  // Every bit.
  void same(const std::string& what, const Numbers& value, const Numbers& reference);
  void require(const std::string& what, bool holds);
  const Finding& finding() const { return worst_; }

 private:
  Finding worst_;
  double ratio_ = -1;
};

}  // namespace seqbench::proof
