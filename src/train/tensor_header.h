// The header of a safetensors file.
#pragma once
#include <cstdint>
#include <istream>
#include <map>
#include <string>
#include <vector>

namespace seqbench {

inline constexpr std::uint64_t kLongestHeader = 100'000'000;  // bytes, as the format has it

struct TensorEntry {
  std::string dtype;                // "F32", "BF16", ...
  std::vector<std::int64_t> shape;  // of any number of dimensions
  std::int64_t begin = 0, end = 0;  // its bytes in the file
};

struct TensorHeader {
  std::map<std::string, TensorEntry> tensors;
  std::map<std::string, std::string> metadata;
};

// Reads it from the beginning of a file of `size` bytes. What it says holds of the file: all bytes are inside, no
// two tensors share any, and those of an F32 tensor are as many as its shape needs. Throws Error that begins with
// `file`.
TensorHeader read_tensor_header(std::istream& in, std::int64_t size, const std::string& file);

}  // namespace seqbench
