// What a mechanism carries from one token to the next when it decodes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/buffer.h"

namespace seqbench {

// The state of one layer for `batch` sequences. Mechanisms name and size its parts; bytes() counts what they
// really hold, which is what the results report as state_bytes.
struct State {
  struct Part {
    std::string name;
    Buffer values;
  };
  std::int64_t batch = 1;
  std::int64_t tokens = 0;  // read so far
  std::vector<Part> parts;

  Buffer& part(std::size_t index) { return parts[index].values; }
  std::int64_t bytes() const {
    std::int64_t sum = 0;
    for (const Part& part : parts) sum += part.values.bytes();
    return sum;
  }
};

}  // namespace seqbench
