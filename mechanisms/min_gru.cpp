// minGRU (Feng et al. 2024, "Were RNNs all we needed?", arXiv 2410.01201).
//
//   z_t = sigmoid(x_t Wz);  h~_t = g(x_t Wh);  g(a) = a + 0.5 for a >= 0, sigmoid(a) below
//   h_t = (1 - z_t) h_{t-1} + z_t h~_t, h_0 = 0;  y = h, or h Wo when expansion is not 1
//
// With candidate "linear", h~_t = x_t Wh: the paper's direct version, without g.
//
// The gates see the input only, so a sequence is two matrix products and a scan; recurrent with h as its
// state: expansion * D numbers. Recurrent is also the training form, because on a CPU the sequential scan is
// the fast one; parallel is the paper's log-space scan, in chunks (kernels/gated_scan.h).
#include <optional>

#include "autograd/scan_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class MinGru : public Mechanism {
 public:
  MinGru(const Options& options, const MixerContext& context, const ParameterScope& parameters)
      : inner_(options.integer("expansion") * context.width),
        candidate_(options.text("candidate") == "linear" ? Candidate::linear : Candidate::positive),
        wz_(parameters, "wz", context.width, inner_, uniform_by(context.width)),
        wh_(parameters, "wh", context.width, inner_, uniform_by(context.width)) {
    if (inner_ != context.width) {
      wo_.emplace(parameters, "wo", inner_, context.width, uniform_by(inner_));
    }
  }

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    const ScanOrder order = form == Form::parallel ? ScanOrder::chunked : ScanOrder::sequential;
    const Tensor h = gated_scan(tape, wz_(tape, x), wh_(tape, x), candidate_, order,
                                state == nullptr ? nullptr : &state->parts[0]);
    return wo_ ? (*wo_)(tape, h) : h;
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    state.add("h", {batch, inner_}, type);
    return state;
  }

 private:
  std::int64_t inner_;
  Candidate candidate_;
  Dense wz_, wh_;
  std::optional<Dense> wo_;
};

}  // namespace

void register_min_gru(MechanismRegistry& registry) {
  registry.add({
      .name = "min_gru",
      .summary = "minGRU: a gated average whose gate sees only the input",
      .source = "Feng et al. 2024, arXiv 2410.01201",
      .forms = {Form::recurrent, Form::parallel},
      .state = "expansion * D numbers: h",
      .options = {Option::integer("expansion", 1, {1, 16},
                                  "numbers of h per number of x; other than 1 adds an output projection"),
                  Option::choice("candidate", "positive", {"positive", "linear"},
                                 "h~ = g(x Wh) > 0, as the log-space version has it, or x Wh")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<MinGru>(options, context, parameters);
          },
      .variants = {{{"candidate", std::string("linear")}}, {{"expansion", std::int64_t{2}}}},
      .version = 2,
  });
}

}  // namespace seqbench
