#include "experiment/duration.h"

#include <doctest/doctest.h>

#include "unit/experiment/support.h"

namespace seqbench {
namespace {

TEST_CASE("times have a number above 0 and a unit") {
  CHECK(parse_duration("--time-limit", "90s") == 90);
  CHECK(parse_duration("--time-limit", "30m") == 1800);
  CHECK(parse_duration("--time-limit", "2h") == 7200);
  CHECK(parse_duration("--time-limit", "1.5d") == 129600);
  CHECK(parse_duration("--time-limit", "0.25s") == 0.25);
  for (const char* wrong :
       {"", "s", "90", "90x", "0s", "-1m", "1e12d", "nanh", "infs", "1h30m", " 1s", "1s ", "1 s"}) {
    CAPTURE(wrong);
    CHECK(
        has(message_of([&] { parse_duration("--time-limit", wrong); }),
            std::string("--time-limit \"") + wrong + "\": expected a time above 0 with its unit, like 90s"));
  }
}

}  // namespace
}  // namespace seqbench
