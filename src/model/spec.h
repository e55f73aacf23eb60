// What a model is made of, as a spec says it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/options.h"

namespace seqbench {

// The keys of "model" in a spec, but for "mixer", whose keys the mechanism declares.
OptionList model_options();

struct MixerSpec {
  std::string name;
  Options options;   // resolved against the mechanism's declaration
  std::string path;  // in the spec, for messages: "model.mixer" or "model.mixer[1]"
};

struct ModelSpec {
  Options options;                // resolved against model_options()
  std::vector<MixerSpec> mixers;  // layer i uses mixers[i % size]; never empty
};

}  // namespace seqbench
