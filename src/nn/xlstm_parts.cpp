#include "nn/xlstm_parts.h"

#include <cmath>

#include "autograd/layout_ops.h"
#include "autograd/ops.h"

namespace seqbench {
namespace {
constexpr double kNormEps = 1e-5;
}

double xlstm_input_std(std::int64_t width) { return std::sqrt(0.4 / static_cast<double>(width)); }

double xlstm_output_std(std::int64_t width, std::int64_t layers) {
  return 2.0 / (static_cast<double>(layers) * std::sqrt(static_cast<double>(width)));
}

ConvSilu::ConvSilu(const ParameterScope& parameters, std::int64_t width, std::int64_t taps)
    : conv_(parameters.inside("conv"), width, taps),
      bias_(parameters.add("conv.bias", {width}, uniform_by(taps))) {}

Tensor ConvSilu::operator()(Tape& tape, const Tensor& x, StateTensor* state) const {
  return activate(tape, add_bias(tape, conv_(tape, x, state), tape.parameter(bias_)), Activation::silu);
}

HeadNorm::HeadNorm(const ParameterScope& parameters, const std::string& name, std::int64_t width,
                   std::int64_t heads)
    : heads_(heads), gain_(parameters.add(name, {width}, {.mean = 1}, kGainLayout)) {}

Tensor HeadNorm::operator()(Tape& tape, const Tensor& x) const {
  const Shape by_head{x.shape[0], x.shape[1], heads_, x.shape[2] / heads_};
  const Tensor unit = unit_norm(tape, reshape(x, by_head), true, kNormEps);
  return multiply_columns(tape, reshape(unit, x.shape), tape.parameter(gain_));
}

BlockDense::BlockDense(const ParameterScope& parameters, const std::string& name, std::int64_t width,
                       std::int64_t blocks, double std)
    : weight_(parameters.add(name, {blocks, width / blocks, width / blocks}, {.std = std},
                             "[block, in, out] of a block-diagonal matrix")) {}

Tensor BlockDense::operator()(Tape& tape, const Tensor& x) const {
  return block_diagonal(tape, x, tape.parameter(weight_));
}

}  // namespace seqbench
