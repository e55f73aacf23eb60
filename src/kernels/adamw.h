// One step of AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101), bias-corrected, with decoupled weight decay
// lr * decay.
#pragma once
#include "kernels/naive/adamw.h"

namespace seqbench::kernels {

// Updates `count` weights and their moments in place.
void adamw(const AdamW& step, std::int64_t count, const float* gradient, float* weights, float* first,
           float* second);

}  // namespace seqbench::kernels
