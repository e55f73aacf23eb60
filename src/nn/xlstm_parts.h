// What the two blocks of xLSTM share (Beck et al. 2024, arXiv 2405.04517; initial spreads as in the code its
// authors published).
#pragma once
#include <cstdint>
#include <string>

#include "nn/layers.h"

namespace seqbench {

// Spreads of a block's first and last projections: sqrt(2 / (5 D)), and 2 / (layers sqrt(D)).
double xlstm_input_std(std::int64_t width);
double xlstm_output_std(std::int64_t width, std::int64_t layers);

// silu(conv(x) + bias), a short causal convolution: parameters conv.weight[taps, D], conv.bias[D].
class ConvSilu {
 public:
  ConvSilu(const ParameterScope& parameters, std::int64_t width, std::int64_t taps);
  Tensor operator()(Tape& tape, const Tensor& x, StateTensor* state) const;
  void add_state(State& state, DType type) const { conv_.add_state(state, "conv", type); }

 private:
  ShortConv conv_;
  ParameterId bias_;
};

// Every head of x[B, L, heads * d] normed for itself, times a gain and without a bias: parameter `name`[heads
// * d].
class HeadNorm {
 public:
  HeadNorm(const ParameterScope& parameters, const std::string& name, std::int64_t width, std::int64_t heads);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  std::int64_t heads_;
  ParameterId gain_;
};

// The product with a block-diagonal matrix, without bias: parameter `name`[blocks, width / blocks, width /
// blocks].
class BlockDense {
 public:
  BlockDense(const ParameterScope& parameters, const std::string& name, std::int64_t width,
             std::int64_t blocks, double std);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId weight_;
};

}  // namespace seqbench
