// What is proven of every mechanism: that its forms, its gradients and its state are those of one causal
// function.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "proof/subject.h"
#include "proof/worst.h"

namespace seqbench::proof {

struct Proof {
  std::string name;
  std::string claim;  // one line
  Finding (*prove)(const Case& of);
};

// In the order they are run.
const std::vector<Proof>& proofs();

// As registered, the defaults first; then every setting that the entry names in its variants.
std::vector<Case> cases_of(const MechanismEntry& entry);

// Never throws: an Error or a failure of a library is a finding that is not ok.
Finding prove(const Proof& proof, const Case& of);

}  // namespace seqbench::proof
