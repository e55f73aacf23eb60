// What a language model writes.
#pragma once
#include <cstdint>
#include <functional>
#include <vector>

#include "model/language_model.h"

namespace seqbench {

struct Sampling {
  std::int64_t tokens = 256;
  double temperature = 1;  // logits are divided by it; 0 takes the likeliest token each time
  std::uint64_t seed = 0;
};

// The tokens that follow `prompt`, which holds at least one. Decodes with the state of one sequence; where
// learned positions end, the model reads the last half of them anew.
std::vector<std::int32_t> generate(const LanguageModel& model, const Buffer& weights,
                                   const std::vector<std::int32_t>& prompt, const Sampling& sampling);

}  // namespace seqbench
