// Models of equal size: "model": {"budget": {"parameters": 100000}} instead of a width.
#pragma once
#include "experiment/json.h"

namespace seqbench {

// `spec` (one run, no grid) with model.budget replaced by the model.width, and the model.ffn where one is
// given, that come closest to so many parameters; as it is when it has no budget. model.width and model.ffn
// of the spec say how many hidden numbers there are per unit of width. Within 1%, or throws Error that says
// what the nearest possible are.
Json with_budget_solved(const Json& spec);

}  // namespace seqbench
