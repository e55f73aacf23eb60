// The mLSTM block of xLSTM (Beck et al. 2024, arXiv 2405.04517): a matrix memory with exponential gates,
// between projections up to Din = proj_factor * D and down again. A whole block: y = x + block(LN(x)).
//
//   [u, z] = LN(x) W_up [D, 2 Din];  u' = silu(conv(u))
//   q, k = u' Wq, u' Wk;  v = u Wv, each in blocks of 4 channels, then cut into heads of d = Din / heads
//   i~, f~ = [q, k, v] Wi + bi, [q, k, v] Wf + bf, one of each per head
//   C_t = sigmoid(f~_t) C_{t-1} + e^{i~_t} k_t^T v_t / sqrt(d) [d, d], n_t the same with 1 for v [d]
//   h_t = q_t C_t / max(|q_t.n_t|, 1);  y = x + ((LN_head(h) + skip .* u') .* silu(z)) W_down
//
// Chunkwise over a sequence (`chunk` tokens), parallel as one chunk, recurrent with C, n and their scale m
// (kernels/mlstm.h) and the convolution's last inputs as its state: Din (d + 1) + heads + (conv - 1) Din
// numbers.
#include "autograd/layout_ops.h"
#include "autograd/ops.h"
#include "autograd/xlstm_ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "nn/xlstm_parts.h"

namespace seqbench {
namespace {

constexpr std::int64_t kBlock = 4;  // channels that q, k and v mix

struct MlstmSettings {
  std::int64_t heads;
  std::int64_t inner;  // Din
  std::int64_t chunk;
  std::int64_t taps;
};

MlstmSettings settings_of(const Options& options, const MixerContext& context) {
  const std::int64_t heads = options.integer("heads");
  const std::int64_t inner = options.integer("proj_factor") * context.width;
  fail_if(inner % heads != 0,
          "{}.heads: expected a divisor of proj_factor * model.width = {}, got {} heads. Change one of the "
          "three.",
          context.path, inner, heads);
  fail_if(inner % kBlock != 0,
          "{}.proj_factor: expected proj_factor * model.width to be a multiple of {}, got {}. Change either.",
          context.path, kBlock, inner);
  return {heads, inner, options.integer("chunk"), options.integer("conv")};
}

// Forget gates start open for many tokens, from sigmoid(3) to sigmoid(6) over the heads.
double forget_bias(std::int64_t head, std::int64_t heads) {
  return heads == 1 ? 3.0 : 3.0 + 3.0 * static_cast<double>(head) / static_cast<double>(heads - 1);
}

class Mlstm : public Mechanism {
 public:
  Mlstm(const MlstmSettings& settings, const MixerContext& context, const ParameterScope& parameters)
      : s_(settings),
        norm_(parameters, "norm.gain", context.width, 1),
        up_(parameters, "up", context.width, 2 * s_.inner, xlstm_input_std(context.width),
            "columns: u, then z"),
        conv_(parameters, s_.inner, s_.taps),
        wq_(parameters, "wq", s_.inner, s_.inner / kBlock, xlstm_input_std(context.width)),
        wk_(parameters, "wk", s_.inner, s_.inner / kBlock, xlstm_input_std(context.width)),
        wv_(parameters, "wv", s_.inner, s_.inner / kBlock, xlstm_input_std(context.width)),
        wi_(parameters, "wi", 3 * s_.inner, s_.heads, {}, {.std = 0.1}, kGateLayout),
        wf_(parameters, "wf", 3 * s_.inner, s_.heads, {},
            {.mean_at = [heads = s_.heads](std::int64_t head) { return forget_bias(head, heads); }},
            kGateLayout),
        head_norm_(parameters, "head_norm", s_.inner, s_.heads),
        skip_(parameters.add("skip", {s_.inner}, {.mean = 1})),
        down_(parameters, "down", s_.inner, context.width, xlstm_output_std(context.width, context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    const Tensor both = up_(tape, norm_(tape, x));
    const Tensor u = slice_columns(tape, both, 0, s_.inner);
    const Tensor z = slice_columns(tape, both, s_.inner, s_.inner);
    const Tensor mixed = conv_(tape, u, state == nullptr ? nullptr : &state->parts[0]);
    const Tensor q = wq_(tape, mixed);
    const Tensor k = wk_(tape, mixed);
    const Tensor v = wv_(tape, u);
    const Tensor all = concat_columns(tape, {q, k, v});
    const Tensor h = mlstm(tape, {q, k, v, wi_(tape, all), wf_(tape, all)}, chunk(form, x.shape[1]),
                           state == nullptr ? nullptr : &state->parts[1]);
    const Tensor skipped = multiply_columns(tape, mixed, tape.parameter(skip_));
    const Tensor gated =
        multiply(tape, add(tape, head_norm_(tape, h), skipped), activate(tape, z, Activation::silu));
    return add(tape, x, down_(tape, gated));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    conv_.add_state(state, type);
    add_mlstm_state(state, s_.heads, s_.inner / s_.heads, type);
    return state;
  }

 private:
  static constexpr const char* kGateLayout = "rows: q, k, v; one column a head";

  std::int64_t chunk(Form form, std::int64_t length) const {
    return form == Form::parallel ? length : s_.chunk;
  }

  MlstmSettings s_;
  HeadNorm norm_;
  Dense up_;
  ConvSilu conv_;
  BlockDense wq_, wk_, wv_;
  Dense wi_, wf_;
  HeadNorm head_norm_;
  ParameterId skip_;
  Dense down_;
};

}  // namespace

void register_mlstm(MechanismRegistry& registry) {
  registry.add({
      .name = "mlstm",
      .summary = "mLSTM block of xLSTM: a matrix memory with exponential gates",
      .source = "Beck et al. 2024, arXiv 2405.04517",
      .forms = {Form::chunkwise, Form::parallel, Form::recurrent},
      .state =
          "Din (Din / heads + 1) + heads + (conv - 1) Din numbers, Din = proj_factor * D: C, n, m and the "
          "convolution's inputs",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide proj_factor * model.width"),
                  Option::integer("proj_factor", 2, {1, 16}, "numbers inside the block per number of x"),
                  Option::integer("chunk", 64, {1, 4096}, "tokens per chunk of the chunkwise form"),
                  Option::integer("conv", 4, {1, 16}, "taps of the convolution before q and k")},
      .make =
          [](const Options& options, const MixerContext& context, const ParameterScope& parameters) {
            return std::make_unique<Mlstm>(settings_of(options, context), context, parameters);
          },
      .own_block = true,
      .variants = {{{"heads", std::int64_t{1}}},
                   {{"proj_factor", std::int64_t{1}}},
                   {{"chunk", std::int64_t{3}}},
                   {{"conv", std::int64_t{1}}}},
      .version = 2,
  });
}

}  // namespace seqbench
