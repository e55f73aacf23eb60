#pragma once
#include <string>

namespace seqbench {

// At most 200 bytes of what a message quotes, cut between the characters of UTF-8.
std::string shortened(std::string text);

}  // namespace seqbench
