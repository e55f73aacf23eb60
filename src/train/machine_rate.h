// What the machine does at this moment: what a speed is set against.
#pragma once
#include <cstdint>

namespace seqbench {

// f32 matrix products of 512 x 512 x 512, private to each of `threads` threads, together, in GFLOP/s: medians
// of several after one that is not counted. Takes about 20 ms at 100 GFLOP/s a thread.
double gemm_gflops(int threads);

// a[i] = b[i] + s c[i] over arrays beyond the caches, private to each of `threads` threads, together: 10^9
// bytes per second, likewise. Both run on no more threads than there are cores.
double bandwidth_gbs(int threads);

// What the three arrays of each of `threads` threads take together: 64 MiB, several times the last-level
// cache that a core has for itself, but no more than 1 GiB and a quarter of the `available` bytes over all
// threads.
std::int64_t bandwidth_bytes(int threads, std::int64_t available);

}  // namespace seqbench
