#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "base/options.h"

namespace seqbench {

struct EvalArguments {
  Texts runs;  // folders of finished runs or above them, or files model.safetensors
  Texts sets;  // "path=value"
  int threads = 1;
  std::int64_t rows = 512;
  bool best = false;
  bool paired = false;
  std::string examples;  // file for every example's scores; empty: none
  bool json = false;
  bool quiet = false;
};

// `seqbench eval`; returns the exit status: kFailed when a run among others could not be tested, or a test
// not be kept. Throws Error before anything has been evaluated.
int eval_command(const EvalArguments& arguments);

struct SampleArguments {
  std::string run;
  std::optional<std::string> prompt;  // none: first_token()
  std::int64_t tokens = 256;
  double temperature = 1;
  std::uint64_t seed = 0;
};

// `seqbench sample`; returns the exit status.
int sample_command(const SampleArguments& arguments);

}  // namespace seqbench
