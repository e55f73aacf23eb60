// One mechanism on given weights and input, to check it against another framework.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

#include "mechanism/mechanism.h"
#include "model/spec.h"
#include "train/safetensors.h"

namespace seqbench {

struct ApplySetting {
  MixerSpec mixer;
  std::string form;         // "" for the first that the mechanism has
  std::int64_t length = 0;  // of the sequences it is trained on; 0: that of x
  std::int64_t layer = 0;   // its place in the model, of
  std::int64_t layers = 1;
  // Read before the first of x; -1: as "state.tokens" says, or a cache that holds all.
  std::int64_t tokens = -1;
};

// `weights`: every parameter by its name. `input`: "x" [B, L, D]; the state before, "state.PART", all parts
// or none (then it is empty), and "state.tokens" [1], how many tokens it has read; for gradients "dy" [B, L,
// D] and "d_state.PART", the gradients that arrive at the outputs and at the state after (none: zero).
struct Applied {
  HostTensors outputs;    // "y", and the state after as "state.PART" and "state.tokens"
  HostTensors gradients;  // of <y, dy> + <state after, d_state>: "x", every parameter, "state.PART"
  std::string form;
  std::int64_t tokens = 0;  // read in all
};

// In f32. Throws Error that names what is missing, too much, or of another shape.
Applied apply(const ApplySetting& setting, const HostTensors& weights, const HostTensors& input,
              bool with_gradients);

struct ApplyFiles {
  std::filesystem::path weights, input, output;
  std::filesystem::path gradients;  // empty: not asked for
};

// apply() from files to files; the metadata "tokens" of input says how many were read before. Returns a line
// about what was done. Throws Error before anything is written.
std::string apply_files(ApplySetting setting, const ApplyFiles& files);

}  // namespace seqbench
