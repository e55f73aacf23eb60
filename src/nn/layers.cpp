#include "nn/layers.h"

#include <utility>

#include "autograd/conv_ops.h"
#include "autograd/ops.h"

namespace seqbench {
namespace {
constexpr double kWeightStd = 0.02;
}

Dense::Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
             double std, std::string layout)
    : Dense(parameters, name, in, out, Init{.std = std}, std::move(layout)) {}

Dense::Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
             Init weight, std::string layout)
    : weight_(parameters.add(name, {in, out}, std::move(weight), std::move(layout))) {}

Dense::Dense(const ParameterScope& parameters, const std::string& name, std::int64_t in, std::int64_t out,
             Init weight, Init bias, std::string layout)
    : weight_(parameters.add(name, {in, out}, std::move(weight), layout)),
      bias_(parameters.add(name + "_bias", {out}, std::move(bias), std::move(layout))) {}

Tensor Dense::operator()(Tape& tape, const Tensor& x) const {
  const Tensor y = matmul(tape, x, tape.parameter(weight_));
  return bias_ < 0 ? y : add_bias(tape, y, tape.parameter(bias_));
}

Norm::Norm(const ParameterScope& parameters, std::int64_t width)
    : gain_(parameters.add("gain", {width}, {.mean = 1}, kGainLayout)),
      bias_(parameters.add("bias", {width}, {}, "added after the gain")) {}

Tensor Norm::operator()(Tape& tape, const Tensor& x) const {
  return layer_norm(tape, x, tape.parameter(gain_), tape.parameter(bias_));
}

FeedForward::FeedForward(const ParameterScope& parameters, std::int64_t width, std::int64_t hidden,
                         double output_std)
    : up_(parameters.add("up", {width, hidden}, {.std = kWeightStd})),
      up_bias_(parameters.add("up_bias", {hidden}, {})),
      down_(parameters.add("down", {hidden, width}, {.std = output_std})),
      down_bias_(parameters.add("down_bias", {width}, {})) {}

Tensor FeedForward::operator()(Tape& tape, const Tensor& x) const {
  const Tensor hidden = bias_gelu(tape, matmul(tape, x, tape.parameter(up_)), tape.parameter(up_bias_));
  return add_bias(tape, matmul(tape, hidden, tape.parameter(down_)), tape.parameter(down_bias_));
}

ShortConv::ShortConv(const ParameterScope& parameters, std::int64_t width, std::int64_t taps)
    : width_(width),
      taps_(taps),
      weight_(parameters.add("weight", {taps, width}, uniform_by(taps),
                             "row r multiplies x_{t-r}: a Conv1d kernel from its last tap to its first")) {}

Tensor ShortConv::operator()(Tape& tape, const Tensor& x, StateTensor* state) const {
  return short_conv(tape, x, tape.parameter(weight_), state);
}

void ShortConv::add_state(State& state, const std::string& name, DType type) const {
  state.add(name, {state.batch, taps_ - 1, width_}, type, "the last inputs of the convolution, oldest first");
}

}  // namespace seqbench
