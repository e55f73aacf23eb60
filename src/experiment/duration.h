// Times as people write them.
#pragma once
#include <string>

namespace seqbench {

// Seconds of "90s", "30m", "2h" or "1.5d". Throws Error, which begins with `option`, for anything else.
double parse_duration(const std::string& option, const std::string& text);

}  // namespace seqbench
