#include "experiment/format.h"

#include <doctest/doctest.h>

#include <cmath>

namespace seqbench {
namespace {

TEST_CASE("numbers are short and keep three digits") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(8) == "8");
  CHECK(short_number(0.123) == "0.12");
  CHECK(short_number(999) == "999");
  CHECK(short_number(999.7) == "1.00k");
  CHECK(short_number(12345) == "12.3k");
  CHECK(short_number(2.5e13) == "25.0T");
  CHECK(short_number(std::nan("")) == "-");
  CHECK(short_bytes(960) == "960 B");
  CHECK(short_bytes(32768) == "32.0 KiB");
  CHECK(short_bytes(1023 * 1024) == "1.00 MiB");
  CHECK(short_duration(0.5) == "0.50 s");
  CHECK(short_duration(59.6) == "1 min 00 s");
  CHECK(short_duration(7384) == "2 h 03 min");
  CHECK(cut("abcdef", 4) == "ab..");
  CHECK(cut("donn\u00e9es", 6) == "donn..");
  CHECK(cut("\u00e9\u00e9\u00e9\u00e9", 4) == "\u00e9\u00e9\u00e9\u00e9");
  CHECK(cut("\u00e9\u00e9\u00e9\u00e9", 3) == "\u00e9..");
}

}  // namespace
}  // namespace seqbench
