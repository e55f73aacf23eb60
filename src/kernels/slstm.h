// The sLSTM cell of xLSTM (Beck et al. 2024, arXiv 2405.04517): scalar memories with exponential input gates
// that see h of the token before, inside a head ("memory mixing"). For g in {i, f, z, o}, p_g = input_g +
// h_{t-1} R_g and
//
//   c_t = f_t c_{t-1} + e^{p_i} tanh(p_z),  n_t = f_t n_{t-1} + e^{p_i},  f_t = sigmoid(p_f)
//   h_t = sigmoid(p_o) c_t / n_t
//
// c and n are kept divided by e^m, m_t = max(log f_t + m_{t-1}, p_i), so that no exponential overflows; h is
// the same for any m. Strictly sequential: per token and head one product of [batch, dim] and [dim, 4 dim].
#pragma once
#include <cstdint>

#include "kernels/naive/slstm.h"

namespace seqbench::kernels {

void slstm(const SlstmShape& shape, const SlstmInputs<float>& in, const SlstmOutputs<float>& out);
inline void slstm(const SlstmShape& shape, const SlstmInputs<double>& in, const SlstmOutputs<double>& out) {
  naive::Slstm<double>(shape, in).forward(out);
}

// Numbers of scratch that slstm_backward() needs in f32: a transposed r, and the gradient of a state.
inline std::int64_t slstm_scratch(const SlstmShape& s) { return 4 * s.width() * (s.dim + s.batch); }

// `gates`, as the forward left them, become their gradients.
void slstm_backward(const SlstmShape& shape, const SlstmInputs<float>& in,
                    const SlstmGradients<float>& gradients, float* gates, float* scratch);
inline void slstm_backward(const SlstmShape& shape, const SlstmInputs<double>& in,
                           const SlstmGradients<double>& gradients, double* gates, double* /*scratch*/) {
  naive::Slstm<double>(shape, in).backward(gradients, gates);
}

}  // namespace seqbench::kernels
