#include "experiment/time_left.h"

#include <doctest/doctest.h>

namespace seqbench {
namespace {

TEST_CASE("time left: long runs that are done first do not make short ones look long") {
  TimeLeft left({0, 2, 3}, {10, 1000, 1, 1});
  CHECK_FALSE(left.seconds(5));
  left.reached(0, 0);
  CHECK_FALSE(left.seconds(5));
  left.reached(0, 0.5);
  CHECK(*left.seconds(5) == doctest::Approx(7));
  left.ended(0);
  CHECK(*left.seconds(10) == doctest::Approx(2));
  left.ended(2);
  left.ended(3);
  CHECK(*left.seconds(12) == 0);
}

TEST_CASE("time left: what an earlier process did of a run says nothing of how fast this one is") {
  TimeLeft left({0, 1}, {10, 10});
  left.reached(0, 0.9);
  CHECK_FALSE(left.seconds(1));
  left.reached(0, 0.95);
  CHECK(*left.seconds(1) == doctest::Approx(21));
  left.ended(0);
  CHECK(*left.seconds(2) == doctest::Approx(20));
}

}  // namespace
}  // namespace seqbench
