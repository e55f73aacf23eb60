// All proofs of some cases.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "proof/proofs.h"

namespace seqbench::proof {

struct Checked {
  const Proof* proof = nullptr;
  Case of;
  Finding finding;
};

// Runs `chosen` on every case, on up to `threads` workers; `report` is called in order, one at a time, as
// soon as all before it are done.
std::vector<Checked> check(const std::vector<Case>& cases, const std::vector<const Proof*>& chosen,
                           int threads, const std::function<void(const Checked&)>& report);

}  // namespace seqbench::proof
