// Floating-point operations, counted where matrix-like kernels are called: a multiply-add is two. Elementwise
// work is left out, as is the custom of the field.
#pragma once
#include <cstdint>

namespace seqbench::flops {

// Adds to this thread's count.
void add(double count);
// This thread's count since it began.
double counted();

}  // namespace seqbench::flops
