// That a NaN is never lost: a mechanism that clamps, compares or selects it away trains on wrong numbers.
#pragma once
#include "proof/subject.h"
#include "proof/worst.h"

namespace seqbench::proof {

// A NaN in x, in a weight or in dy makes NaN of every number that moves when it is moved by 1 instead. Other rows
// of the batch keep their bits; so do earlier tokens of decoding. In a form that reads many tokens at once an
// earlier token keeps its bits or is NaN: there a weight of 0 multiplies what comes later.
Finding not_a_number(const Case& of);

}  // namespace seqbench::proof
