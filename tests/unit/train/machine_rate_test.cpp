#include "train/machine_rate.h"

#include <doctest/doctest.h>

namespace seqbench {
namespace {

TEST_CASE("bandwidth is measured in bounded memory, whatever the threads and the container") {
  constexpr std::int64_t kMiB = 1 << 20;
  CHECK(bandwidth_bytes(2, 16384 * kMiB) == 64 * kMiB);
  CHECK(64 * bandwidth_bytes(64, 100000 * kMiB) <= 1024 * kMiB);
  CHECK(512 * bandwidth_bytes(512, 100000 * kMiB) <= 1024 * kMiB);
  CHECK(2 * bandwidth_bytes(2, 200 * kMiB) <= 50 * kMiB);
  CHECK(bandwidth_bytes(2, 0) == kMiB);
}

}  // namespace
}  // namespace seqbench
