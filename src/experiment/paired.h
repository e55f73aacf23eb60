// Two models on the same examples, one by one.
#pragma once
#include <string>

#include "experiment/trained_model.h"

namespace seqbench {

// Throws Error when the two are not tested on the same examples: another task, seed, or text.
void check_paired(const TrainedModel& a, const TrainedModel& b);

// A line for each test: how often each has all of an example right and the other not, with McNemar's p, and
// how far their losses are apart, with that of the paired t test; both corrected for the number of tests
// (Holm).
std::string paired_text(const Tested& a, const Tested& b);

// A line of JSON for each example of every test.
std::string examples_jsonl(const Tested& tested);

}  // namespace seqbench
