// The mLSTM cell of xLSTM (Beck et al. 2024, arXiv 2405.04517): a matrix memory C with exponential input
// gates. Per head, with keys divided by sqrt(dim):
//
//   C_t = f_t C_{t-1} + e^{i~_t} k_t^T v_t,  n_t = f_t n_{t-1} + e^{i~_t} k_t,  f_t = sigmoid(f~_t)
//   h_t = q_t C_t / max(|q_t.n_t|, 1)
//
// C and n are kept divided by e^m, m_t = max(log f_t + m_{t-1}, i~_t), so that no exponential overflows; h is
// the same for any m, and 1 becomes e^-m. Chunk by chunk: inside a chunk as a masked product, between chunks
// through the state. Backward needs only the state at each chunk's start, and is exact: the gradient of the
// divisor and that of m in the states before and after are part of it.
#pragma once
#include <cstdint>

#include "kernels/naive/mlstm.h"

namespace seqbench::kernels {

// Numbers of chunk_states.
std::int64_t mlstm_chunk_states(const MlstmShape& shape);
// Numbers of scratch that the f32 calls need.
std::int64_t mlstm_scratch(const MlstmShape& shape);

void mlstm(const MlstmShape& shape, const MlstmInputs<float>& in, const MlstmOutputs<float>& out,
           float* scratch);
inline void mlstm(const MlstmShape& shape, const MlstmInputs<double>& in, const MlstmOutputs<double>& out,
                  double* /*scratch*/) {
  naive::Mlstm<double>(shape, in).forward(out);
}

void mlstm_backward(const MlstmShape& shape, const MlstmInputs<float>& in,
                    const MlstmGradients<float>& gradients, float* scratch);
inline void mlstm_backward(const MlstmShape& shape, const MlstmInputs<double>& in,
                           const MlstmGradients<double>& gradients, double* /*scratch*/) {
  naive::Mlstm<double>(shape, in).backward(gradients);
}

}  // namespace seqbench::kernels
