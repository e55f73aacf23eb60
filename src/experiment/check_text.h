// What `check` prints.
#pragma once
#include <string>
#include <vector>

#include "proof/check.h"

namespace seqbench {

// One line; after a failure, the command that repeats it on a second one. `isa` is what kernels were capped
// at.
std::string check_line(const proof::Checked& checked, const std::string& isa);
// "182 proofs of 14 mechanisms hold", or how many do not.
std::string check_summary(const std::vector<proof::Checked>& all);
std::string check_json(const std::vector<proof::Checked>& all, const std::string& isa);

}  // namespace seqbench
