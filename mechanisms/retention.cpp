// Multi-scale retention (RetNet, Sun et al. 2023, arXiv 2307.08621).
//
//   q, k = x Wq, x Wk / sqrt(d), cut into heads of d = D / heads;  v, g = x Wv, x Wg of V = value_factor D
//   q, k turned: at position t, from 0, the pair (2m, 2m + 1) by the angle t 10000^(-m / (d / 2 - 1))
//   S_t = gamma_h S_{t-1} + k_t^T v_t [d, V / heads],  z_t = gamma_h z_{t-1} + k_t [d]
//   gamma_h = 1 - 2^(-5 - h) for h = 0 .. heads - 1
//   o_t = q_t S_t / max(|q_t.z_t|, sqrt(1 + gamma_h + .. + gamma_h^t)), then every head divided by
//   sqrt(mean o^2 + 1e-6);  y = (silu(g) o) Wo
//
// The divisor of o is the paper's normalisation of scores: gamma^(t - s) over the root of its sum, and then
// the scores over max(|their sum|, 1). The norm takes it out again but for its 1e-6, which is not small:
// values start small. Chunkwise over a sequence, in chunks of `chunk`; parallel as one chunk of the whole;
// recurrent with S and z as its state: D V / heads + D numbers. All three are this one function, where the
// published code (torchscale) has three that differ by the 1e-6: see README.md. Weights start as Xavier's,
// uniform, with gain 2^-2.5, 1 for Wo.
#include <cmath>

#include "autograd/layout_ops.h"
#include "autograd/linear_ops.h"
#include "autograd/ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

constexpr double kNormEps = 1e-6;

// gamma is not rounded on the way to its logarithm: from h = 20 on it would be 1 in f32.
std::vector<double> log_gammas(std::int64_t heads) {
  std::vector<double> logs;
  for (std::int64_t h = 0; h < heads; ++h)
    logs.push_back(std::log1p(-std::exp2(-5.0 - static_cast<double>(h))));
  return logs;
}

Init xavier(double gain, std::int64_t in, std::int64_t out) {
  return {.std = gain * std::sqrt(2.0 / static_cast<double>(in + out)), .uniform = true};
}

class Retention : public Mechanism {
 public:
  Retention(const Options& options, const MixerContext& context, const ParameterScope& parameters)
      : width_(context.width),
        value_width_(options.integer("value_factor") * width_),
        rule_{.heads = heads_of(options, context),
              .chunk = options.integer("chunk"),
              .log_decay = log_gammas(heads_of(options, context)),
              .floored = true},
        wq_(parameters, "wq", width_, width_, xavier(kInGain, width_, width_)),
        wk_(parameters, "wk", width_, width_, xavier(kInGain, width_, width_)),
        wv_(parameters, "wv", width_, value_width_, xavier(kInGain, width_, value_width_)),
        wg_(parameters, "wg", width_, value_width_, xavier(kInGain, width_, value_width_)),
        wo_(parameters, "wo", value_width_, width_, xavier(kOutGain, value_width_, width_)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    const std::int64_t length = x.shape[1];
    LinearRule rule = rule_;
    if (form == Form::parallel) rule.chunk = length;
    const std::int64_t dim = width_ / rule.heads;
    const std::int64_t first = state == nullptr ? 0 : state->tokens;
    const Tensor angles = pair_angles(tape, first, length, dim);
    const Tensor q = rotate_pairs(tape, wq_(tape, x), angles, 1);
    const Tensor k = rotate_pairs(tape, wk_(tape, x), angles, 1 / std::sqrt(static_cast<double>(dim)));
    const Tensor o = linear_attention(tape, q, k, wv_(tape, x), rule,
                                      state == nullptr ? nullptr : &state->parts[0], first);
    const Tensor gate = activate(tape, wg_(tape, x), Activation::silu);
    return wo_(tape, multiply(tape, gate, norm_heads(tape, o)));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch, .positional = true};
    state.add(
        "sums", rule_.state_shape(batch, width_, value_width_), type,
        "of each head S by rows (key, value), then z; S is the published code's state times sqrt(scale)");
    return state;
  }

 private:
  static constexpr double kInGain = 0.17677669529663687;  // 2^-2.5
  static constexpr double kOutGain = 1;

  Tensor norm_heads(Tape& tape, const Tensor& o) const {
    const Shape by_head{o.shape[0], o.shape[1], rule_.heads, o.shape[2] / rule_.heads};
    return reshape(unit_norm(tape, reshape(o, by_head), false, kNormEps), o.shape);
  }

  std::int64_t width_;
  std::int64_t value_width_;
  LinearRule rule_;
  Dense wq_, wk_, wv_, wg_, wo_;
};

std::unique_ptr<Mechanism> make_retention(const Options& options, const MixerContext& context,
                                          const ParameterScope& parameters) {
  const std::int64_t heads = heads_of(options, context);
  fail_if(context.width / heads % 2 != 0,
          "{}.heads: expected heads of an even width, whose pairs are rotated, got {} heads of {} for a "
          "model.width of {}.",
          context.path, heads, context.width / heads, context.width);
  return std::make_unique<Retention>(options, context, parameters);
}

}  // namespace

void register_retention(MechanismRegistry& registry) {
  registry.add({
      .name = "retention",
      .summary = "retention: linear attention that forgets at a fixed rate per head, normed and gated",
      .source = "Sun et al. 2023, arXiv 2307.08621",
      .forms = {Form::chunkwise, Form::parallel, Form::recurrent},
      .state = "value_factor D D / heads + D numbers: the sums S and z of every head",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width into even parts"),
                  Option::integer("value_factor", 2, {1, 16}, "width of values and gate per model.width"),
                  Option::integer("chunk", 64, {1, 8192}, "tokens taken at once in the chunkwise form")},
      .make = make_retention,
      .variants = {{{"heads", std::int64_t{8}}},
                   {{"value_factor", std::int64_t{1}}},
                   {{"chunk", std::int64_t{5}}}},
      .version = 2,
  });
}

}  // namespace seqbench
