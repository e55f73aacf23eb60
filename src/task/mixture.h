// Several settings of a task as one.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "task/task.h"

namespace seqbench {

struct MixturePart {
  std::unique_ptr<Task> task;
  double weight = 1;
};

// Examples of all parts in one shuffled stream, each split keeping to its own: of a part with probability
// weight / sum of weights. Where every part trains on a fixed set, an epoch goes once through all of them, in
// an order of its own. Chance is the mean over the parts by weight. Throws Error naming `path`[i] for parts
// whose vocabularies differ, whose held-out parts have an end, or of which only some have a fixed set.
std::unique_ptr<Task> mixture(std::vector<MixturePart> parts, std::uint64_t seed, const std::string& path);

}  // namespace seqbench
