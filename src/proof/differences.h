// Gradients against central differences, in f64.
#pragma once
#include <cstdint>

#include "proof/subject.h"
#include "proof/worst.h"

namespace seqbench::proof {

// Adds to `worst` the errors of the gradients of x, of every parameter and, when `with_state`, into a state
// that is not empty, of a loss that then also asks for the state after.
void compare_with_differences(Worst& worst, const Case& of, std::int64_t layer, bool with_state);

}  // namespace seqbench::proof
