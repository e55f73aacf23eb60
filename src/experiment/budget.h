// Models of equal size: "model": {"budget": {"parameters": 100000}} or {"state_bytes": 65536, "at": 1024}
// instead of a width.
#pragma once
#include "base/json.h"
#include "base/options.h"

namespace seqbench {

// `spec` (one run, no grid) with model.budget replaced by the model.width, and the model.ffn where one is
// given, that meet it; as it is when it has no budget. model.width and model.ffn of the spec say how many
// hidden numbers there are per unit of width.
// A budget of parameters is met within 1%: the widest model that has no more, its ffn filling what is left.
// One of state bytes, of one sequence after `at` tokens, within 10%, since widths are multiples of heads;
// `at` joins measure.contexts, or is all of it where the spec gives none, so that the table shows what was
// reached, and is in its range. Throws Error that says what the nearest possible are.
Json with_budget_solved(const Json& spec);

// What a budget takes, for `describe`; none of it has a default.
const OptionList& budget_options();

}  // namespace seqbench
