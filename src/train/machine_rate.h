// What the machine does at this moment: what a speed is set against.
#pragma once

namespace seqbench {

// f32 matrix products of 512 x 512 x 512, private to each of `threads` threads, together, in GFLOP/s: medians
// of several after one that is not counted. Takes about 20 ms at 100 GFLOP/s a thread.
double gemm_gflops(int threads);

// a[i] = b[i] + s c[i] over arrays beyond the caches, private to each of `threads` threads, together: 10^9
// bytes per second, likewise.
double bandwidth_gbs(int threads);

}  // namespace seqbench
