// Matrix products on one thread. f32 goes through oneDNN, which this pair of files alone knows; f64 through
// the naive twin.
#pragma once
#include <cstdint>
#include <string>

#include "kernels/naive/matmul.h"

namespace seqbench::kernels {

// C[m, n] = op(A)[m, k] op(B)[k, n], added to C when `accumulate`. All row-major without gaps: A is [m, k],
// or [k, m] when transposed; B is [k, n], or [n, k]. Pointers are 4-byte aligned; 64 is faster. A product of
// an extent 0 leaves C alone. The first call of a shape on a thread costs about 0.1 ms, further ones about 1
// us.
void matmul(const Matmul& shape, const float* a, const float* b, float* c);
void matmul(const Matmul& shape, const double* a, const double* b, double* c);

// Sees to it that no library forks a team of threads inside this thread's kernels: lanes are what runs in
// parallel.
void use_one_thread_per_kernel();

// Keeps oneDNN to AVX2, or to SSE4.1 when `avx2` is false. Before the first product: it settles then.
void cap_matmul_isa(bool avx2);

// "oneDNN 2.6.3 (Intel AVX-512 ...)": the library, its version and the instruction set it uses here.
std::string matmul_library();

}  // namespace seqbench::kernels
