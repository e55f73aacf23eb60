#pragma once
#include <cstdint>
#include <string>

namespace seqbench {

struct ApplyArguments {
  std::string mechanism;
  std::string options = "{}";  // a JSON object
  std::string weights, input, output, gradients;
  std::string form;
  std::int64_t length = 0;
  std::int64_t layer = 0;
  std::int64_t layers = 1;
};

// `seqbench apply`; returns the exit status. Throws Error before anything is written.
int apply_command(const ApplyArguments& arguments);

}  // namespace seqbench
