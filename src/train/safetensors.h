// Files of named tensors, in the safetensors format: 8 bytes of header length, a JSON header, the numbers.
#pragma once
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "autograd/tensor.h"

namespace seqbench {

struct NamedTensor {
  std::string name;
  Shape shape;
  float* data = nullptr;  // written from, or read into
};

struct Keeping {
  bool checksum = false;              // of itself, in its metadata (train/checksum.h)
  std::filesystem::path before = {};  // the name that the file it replaces gets; empty: that one goes
};

// As FileWriter (base/files.h) writes: the file is whole or the old one. Throws Error.
void save_safetensors(const std::filesystem::path& file, const std::vector<NamedTensor>& tensors,
                      std::map<std::string, std::string> metadata, const Keeping& keeping = {});

// A tensor that owns its numbers, and tensors by name.
struct HostTensor {
  Shape shape;
  std::vector<float> values;
};
using HostTensors = std::map<std::string, HostTensor>;

struct TensorFile {
  HostTensors tensors;
  std::map<std::string, std::string> metadata;
};

// All that `file` holds. Throws Error that names the file and what is wrong with it: not readable, no
// safetensors file, cut short, a tensor that is not F32 or has more than four dimensions.
TensorFile read_safetensors(const std::filesystem::path& file);
void save_safetensors(const std::filesystem::path& file, const TensorFile& content,
                      const Keeping& keeping = {});

// Reads every tensor named, each F32 and of that shape, and returns the metadata. Throws Error that names the
// file and what is wrong with it: missing or short, no such tensor, another shape.
std::map<std::string, std::string> load_safetensors(const std::filesystem::path& file,
                                                    const std::vector<NamedTensor>& tensors);

}  // namespace seqbench
