// A task as a person looks at it: a sample, what its labels are, what guessing gets.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "train/spec.h"

namespace seqbench {

// Some examples of the test split: tokens in rows, below them the answers.
std::string example_text(const RunSpec& spec);

// "chance" and "labels" -> what they are, over a few hundred training examples. None when the task cannot be
// made with these options (a text without files).
std::vector<std::pair<std::string, std::string>> label_facts(const RunSpec& spec);

}  // namespace seqbench
