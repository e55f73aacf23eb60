// The entry of libFuzzer; the build says which target it is.
#include <cstddef>
#include <cstdint>

#include "targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  seqbench::fuzz::SEQBENCH_FUZZ_TARGET({reinterpret_cast<const char*>(data), size});
  return 0;
}
