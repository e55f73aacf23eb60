// Which instruction set the kernels use: the best one there is, unless capped.
#pragma once
#include <string>
#include <vector>

namespace seqbench::kernels {

// "native", "avx2", "scalar".
std::vector<std::string> isa_names();

// Caps our kernels and oneDNN's. Before the first kernel runs: oneDNN settles its own then. "scalar" is plain
// C++ for ours, SSE4.1 for oneDNN's.
void cap_isa(const std::string& name);

}  // namespace seqbench::kernels
