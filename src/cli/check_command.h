#pragma once
#include "base/options.h"

namespace seqbench {

struct CheckArguments {
  Texts mixers;  // names, or JSON objects as a spec's model.mixer; none: every mechanism
  Texts proofs;  // names; none: all
  std::string isa = "native";
  int threads = 1;
  bool json = false;
};

// The names that --proof takes, and those that --isa takes.
Texts proof_names();
Texts isa_names();

// `seqbench check`; returns the exit status. Throws Error before anything has run.
int check_command(const CheckArguments& arguments);

}  // namespace seqbench
