// The weights and the state of a mechanism, as it declares them: for `apply` and for people.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "autograd/tensor.h"
#include "base/options.h"
#include "model/spec.h"

namespace seqbench {

struct ListedTensor {
  std::string name;
  Texts dims;          // in D, the width of the model; B, sequences; L, tokens of a cache
  Shape shape;         // at `width`, for one sequence and an empty cache
  std::string layout;  // "" where the name says it
};

struct ListedLayer {
  std::int64_t width = 0;  // an example: the least from 64 on that fits the options
  std::vector<ListedTensor> weights;
  std::vector<ListedTensor> state;
};

// Found by making it at several widths. Of a mechanism whose layers differ, the first layer of each kind; one
// layer otherwise. Throws Error for options that fit no width.
std::vector<ListedLayer> list_tensors(const MixerSpec& mixer);

}  // namespace seqbench
