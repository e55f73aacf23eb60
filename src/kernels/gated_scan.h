// The scan of minGRU and minLSTM (Feng et al. 2024, arXiv 2410.01201): h_t = (1 - z_t) h_{t-1} + z_t h~_t, z
// = sigmoid(gate). On a CPU the scan is sequential in time and vectorised over channels: it is bound by the
// two exponentials a number, so the paper's log-space form, which makes the scan parallel on a GPU, only adds
// work: six exponentials and two logarithms. It is here to prove that the two are one function.
#pragma once
#include "kernels/naive/gated_scan.h"

namespace seqbench::kernels {

// gate, candidate, h: [batch, length, width]. state: [batch, width], h before the first token, left as h of
// the last.
void gated_scan(const GatedScanShape& shape, const float* gate, const float* candidate, float* state,
                float* h);
inline void gated_scan(const GatedScanShape& shape, const double* gate, const double* candidate,
                       double* state, double* h) {
  naive::gated_scan(shape, gate, candidate, state, h);
}

// The same h from chunks of kScanChunk tokens. Positive candidates: inside a chunk log h_t = A_t + log sum_s
// exp(log(z_s h~_s) - A_s), A the running sum of log(1 - z), the sum kept with its maximum (Heinsen 2023,
// arXiv 2311.06281). Linear ones: a scan from zero and running products of 1 - z. The state before the chunk
// enters both as h_t += exp(A_t) h, outside the logarithm, so it may be zero or negative.
void gated_scan_chunked(const GatedScanShape& shape, const float* gate, const float* candidate, float* state,
                        float* h);
inline void gated_scan_chunked(const GatedScanShape& shape, const double* gate, const double* candidate,
                               double* state, double* h) {
  naive::gated_scan_chunked(shape, gate, candidate, state, h);
}

// Of either: it needs h, however it was computed. Overwrites d_gate and d_candidate.
void gated_scan_backward(const GatedScanShape& shape, const float* gate, const float* candidate,
                         const float* h, const float* dh, const ScanEnds<float>& ends, float* d_gate,
                         float* d_candidate);
inline void gated_scan_backward(const GatedScanShape& shape, const double* gate, const double* candidate,
                                const double* h, const double* dh, const ScanEnds<double>& ends,
                                double* d_gate, double* d_candidate) {
  naive::gated_scan_backward(shape, gate, candidate, h, dh, ends, d_gate, d_candidate);
}

// odds = log(sigmoid(input) / sigmoid(forget)), exact where either sigmoid underflows: as the gate of the
// scan it makes z = i / (f + i) and 1 - z = f / (f + i).
void log_odds(std::int64_t count, const float* input, const float* forget, float* odds);
inline void log_odds(std::int64_t count, const double* input, const double* forget, double* odds) {
  naive::log_odds(count, input, forget, odds);
}
// Overwrites d_input and d_forget.
void log_odds_backward(std::int64_t count, const float* input, const float* forget, const float* d_odds,
                       float* d_input, float* d_forget);
inline void log_odds_backward(std::int64_t count, const double* input, const double* forget,
                              const double* d_odds, double* d_input, double* d_forget) {
  naive::log_odds_backward(count, input, forget, d_odds, d_input, d_forget);
}

}  // namespace seqbench::kernels
