// The minGRU cell (Feng et al. 2024, arXiv 2410.01201): h_t = (1 - z_t) h_{t-1} + z_t g(candidate_t), z =
// sigmoid(gate). On a CPU the scan is sequential in time and vectorised over channels: it is bound by the two
// exponentials a number, so the paper's log-space form, which makes the scan parallel on a GPU, would only
// add work. Its g() is kept: h is the same.
#pragma once
#include "kernels/naive/min_gru.h"

namespace seqbench::kernels {

// gate, candidate, h: [batch, length, width]. state: [batch, width], h before the first token, left as h of
// the last.
void min_gru(const MinGruShape& shape, const float* gate, const float* candidate, float* state, float* h);
inline void min_gru(const MinGruShape& shape, const double* gate, const double* candidate, double* state,
                    double* h) {
  naive::min_gru(shape, gate, candidate, state, h);
}

// Overwrites d_gate and d_candidate.
void min_gru_backward(const MinGruShape& shape, const float* gate, const float* candidate, const float* h,
                      const float* dh, const ScanEnds<float>& ends, float* d_gate, float* d_candidate);
inline void min_gru_backward(const MinGruShape& shape, const double* gate, const double* candidate,
                             const double* h, const double* dh, const ScanEnds<double>& ends, double* d_gate,
                             double* d_candidate) {
  naive::min_gru_backward(shape, gate, candidate, h, dh, ends, d_gate, d_candidate);
}

}  // namespace seqbench::kernels
