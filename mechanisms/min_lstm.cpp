// minLSTM (Feng et al. 2024, "Were RNNs all we needed?", arXiv 2410.01201).
//
//   f_t, i_t = sigmoid(x_t Wf), sigmoid(x_t Wi);  f'_t = f_t / (f_t + i_t);  i'_t = i_t / (f_t + i_t)
//   h~_t = g(x_t Wh);  g(a) = a + 0.5 for a >= 0, sigmoid(a) below
//   h_t = f'_t h_{t-1} + i'_t h~_t, h_0 = 0;  y = h, or h Wo when expansion is not 1
//
// With candidate "linear", h~_t = x_t Wh: the paper's direct version, without g.
//
// i' = sigmoid(log(i / f)) and f' = 1 - i', so this is the scan of minGRU with log(i / f) = softplus(-x Wf) -
// softplus(-x Wi) as its gate, and has its forms: recurrent, with h as its state (expansion * D numbers),
// which is the training form as well, and parallel, the paper's log-space scan in chunks
// (kernels/gated_scan.h).
#include <optional>

#include "autograd/scan_ops.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

class MinLstm : public Mechanism {
 public:
  MinLstm(const Options& options, const MixerContext& context, const ParameterScope& parameters)
      : inner_(options.integer("expansion") * context.width),
        candidate_(options.text("candidate") == "linear" ? Candidate::linear : Candidate::positive),
        wf_(parameters, "wf", context.width, inner_, uniform_by(context.width)),
        wi_(parameters, "wi", context.width, inner_, uniform_by(context.width)),
        wh_(parameters, "wh", context.width, inner_, uniform_by(context.width)) {
    if (inner_ != context.width) {
      wo_.emplace(parameters, "wo", inner_, context.width, uniform_by(inner_));
    }
  }

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    const ScanOrder order = form == Form::parallel ? ScanOrder::chunked : ScanOrder::sequential;
    const Tensor gate = log_odds(tape, wi_(tape, x), wf_(tape, x));
    const Tensor h = gated_scan(tape, gate, wh_(tape, x), candidate_, order,
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
  Dense wf_, wi_, wh_;
  std::optional<Dense> wo_;
};

}  // namespace

void register_min_lstm(MechanismRegistry& registry) {
  registry.add({
      .name = "min_lstm",
      .summary = "minLSTM: a gated average whose forget and input gates see only the input",
      .source = "Feng et al. 2024, arXiv 2410.01201",
      .forms = {Form::recurrent, Form::parallel},
      .state = "expansion * D numbers: h",
      .options = {Option::integer("expansion", 1, {1, 16},
                                  "numbers of h per number of x; other than 1 adds an output projection"),
                  Option::choice("candidate", "positive", {"positive", "linear"},
                                 "h~ = g(x Wh) > 0, as the log-space version has it, or x Wh")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<MinLstm>(options, context, parameters);
          },
      .variants = {{{"candidate", std::string("linear")}}, {{"expansion", std::int64_t{2}}}},
      .version = 2,
  });
}

}  // namespace seqbench
