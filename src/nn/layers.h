// The parts of a block that are the same for every mechanism. Each declares its parameters when made and
// applies itself to a tensor on a tape.
#pragma once
#include <cstdint>

#include "autograd/parameters.h"
#include "autograd/tape.h"

namespace seqbench {

// Layer normalisation with gain (1) and bias (0): parameters gain[D], bias[D].
class Norm {
 public:
  Norm(const ParameterScope& parameters, std::int64_t width);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId gain_;
  ParameterId bias_;
};

// gelu(x up + up_bias) down + down_bias: parameters up[D, hidden], up_bias, down[hidden, D], down_bias.
class FeedForward {
 public:
  FeedForward(const ParameterScope& parameters, std::int64_t width, std::int64_t hidden, double output_std);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId up_, up_bias_, down_, down_bias_;
};

// Causal depthwise convolution of `taps` positions: parameter weight[taps, D], starting at N(0, 1 / sqrt(3
// taps)). Its state is its last taps - 1 inputs.
class ShortConv {
 public:
  ShortConv(const ParameterScope& parameters, std::int64_t width, std::int64_t taps);
  Tensor operator()(Tape& tape, const Tensor& x) const;
  Buffer empty_state(std::int64_t batch, DType type) const;
  Tensor extend(Tape& tape, const Tensor& x, Buffer& state) const;

 private:
  std::int64_t width_;
  std::int64_t taps_;
  ParameterId weight_;
};

}  // namespace seqbench
