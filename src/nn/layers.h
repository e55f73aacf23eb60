// The parts of a block that are the same for every mechanism. Each declares its parameters when made and
// applies itself to a tensor on a tape.
#pragma once
#include <cstdint>
#include <string>

#include "autograd/parameters.h"
#include "autograd/state.h"

namespace seqbench {

// x[.., in] W, or x W + b: parameters `name`[in, out] starting as `weight` says, or at N(0, std), and
// `name`_bias[out] when `bias` says where it starts. `layout`: of the columns, where that is to be said.
class Dense {
 public:
  Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
        double std, std::string layout = "");
  Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
        Init weight, std::string layout = "");
  Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
        Init weight, Init bias, std::string layout = "");
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId weight_;
  ParameterId bias_ = -1;
};

// What every gain of a norm is.
inline constexpr const char* kGainLayout = "multiplies what is normed: 1 + g where a code keeps g";

// Layer normalisation with gain (1) and bias (0): parameters gain[D], bias[D].
class Norm {
 public:
  Norm(const ParameterScope& parameters, std::int64_t width);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId gain_;
  ParameterId bias_;
};

// gelu(x up + up_bias) down + down_bias, gelu in its tanh form as in GPT-2: parameters up[D, hidden],
// up_bias, down[hidden, D], down_bias.
class FeedForward {
 public:
  FeedForward(const ParameterScope& parameters, std::int64_t width, std::int64_t hidden, double output_std);
  Tensor operator()(Tape& tape, const Tensor& x) const;

 private:
  ParameterId up_, up_bias_, down_, down_bias_;
};

// Causal depthwise convolution of `taps` positions: parameter weight[taps, D], starting as torch.nn.Conv1d.
// Its state is its last taps - 1 inputs.
class ShortConv {
 public:
  ShortConv(const ParameterScope& parameters, std::int64_t width, std::int64_t taps);
  // `state` null: nothing came before, and nobody asks what the next call needs.
  Tensor operator()(Tape& tape, const Tensor& x, StateTensor* state) const;
  // Adds its state to `state` as the part `name`.
  void add_state(State& state, const std::string& name, DType type) const;

 private:
  std::int64_t width_;
  std::int64_t taps_;
  ParameterId weight_;
};

}  // namespace seqbench
