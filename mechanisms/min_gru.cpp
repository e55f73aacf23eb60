// minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv 2410.01201).
//
//   z_t = sigmoid(x_t Wz);  h~_t = g(x_t Wh);  g(a) = a + 0.5 for a >= 0, sigmoid(a) below
//   h_t = (1 - z_t) h_{t-1} + z_t h~_t, h_0 = 0;  y = h, or h Wo when expansion is not 1
//
// The gates see the input only, so a sequence is two matrix products and a scan; recurrent with h as its
// state: expansion * D numbers. h is computed directly: the paper's log-space form gives the same h
// (kernels/min_gru.h).
#include "autograd/ops.h"
#include "autograd/sequence_ops.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

class MinGru : public Mechanism {
 public:
  MinGru(std::int64_t expansion, const MixerContext& context, const ParameterScope& parameters)
      : inner_(expansion * context.width) {
    wz_ = parameters.add("wz", {context.width, inner_}, {.std = kInitStd});
    wh_ = parameters.add("wh", {context.width, inner_}, {.std = kInitStd});
    if (expansion != 1)
      wo_ = parameters.add("wo", {inner_, context.width}, {.std = output_std(context.layers)});
  }

  Tensor forward(Tape& tape, const Tensor& x) const override {
    const Tensor gate = matmul(tape, x, tape.parameter(wz_));
    const Tensor candidate = matmul(tape, x, tape.parameter(wh_));
    return out(tape, min_gru(tape, gate, candidate));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    return {.batch = batch, .parts = {{"h", Buffer(batch * inner_, type)}}};
  }

  Tensor extend(Tape& tape, const Tensor& x, State& state) const override {
    const Tensor gate = matmul(tape, x, tape.parameter(wz_));
    const Tensor candidate = matmul(tape, x, tape.parameter(wh_));
    return out(tape, min_gru(tape, gate, candidate, state.part(0)));
  }

 private:
  Tensor out(Tape& tape, const Tensor& h) const { return wo_ < 0 ? h : matmul(tape, h, tape.parameter(wo_)); }

  std::int64_t inner_;
  ParameterId wz_, wh_;
  ParameterId wo_ = -1;
};

}  // namespace

void register_min_gru(MechanismRegistry& registry) {
  registry.add({
      .name = "min_gru",
      .summary = "minGRU: a gated average whose gate sees only the input",
      .source = "Feng et al. 2024, arXiv 2410.01201",
      .forms = {Form::parallel, Form::recurrent},
      .state = "expansion * D numbers: h",
      .options = {Option::integer("expansion", 1, {1, 16},
                                  "numbers of h per number of x; other than 1 adds an output projection")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<MinGru>(options.integer("expansion"), context, parameters);
          },
  });
}

}  // namespace seqbench
