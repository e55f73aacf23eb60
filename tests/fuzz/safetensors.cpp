#include "train/safetensors.h"

#include "base/error.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"

namespace seqbench::fuzz {

void safetensors(std::string_view input) {
  const MemoryFile file(input);
  TensorFile content;
  try {
    content = read_safetensors(file.path());
  } catch (const Error&) {
    return;
  }
  // What has been read can be asked for by name.
  std::vector<NamedTensor> named;
  std::size_t numbers = 0;
  for (auto& [name, tensor] : content.tensors) {
    expect(tensor.shape.size() == std::ssize(tensor.values), "a tensor has as many numbers as its shape");
    numbers += tensor.values.size();
    named.push_back({name, tensor.shape, tensor.values.data()});
  }
  expect(numbers * 4 <= input.size(), "no more numbers are read than the file holds");
  expect(load_safetensors(file.path(), named) == content.metadata, "both ways to read give the same");
}

}  // namespace seqbench::fuzz
