// Linear attention (Katharopoulos et al. 2020, arXiv 2006.16236), with its usual feature maps and BASED's
// Taylor features (Arora et al. 2024, arXiv 2402.18668).
//
//   q, k = x Wq, x Wk, cut into heads of d' = feature_dim;  v = x Wv, into heads of d = D / heads
//   S_t = S_{t-1} + phi(k_t)^T v_t [F, d];  z_t = z_{t-1} + phi(k_t) [F]
//   o_t = phi(q_t) S_t / (phi(q_t).z_t + 1e-6), or, not normalised, phi(q_t) S_t;  y = o Wo
//
// feature_dim 0 is d, or 16 for taylor. phi(a) by feature_map, of F = d' features but for taylor:
//   elu: elu(a) + 1;  relu;  identity;  silu
//   taylor: [1, a / d'^(1/4), vec(a a^T) / sqrt(2 d')], F = 1 + d' + d'^2, so that
//           phi(q).phi(k) = 1 + s + s^2 / 2 with s = q.k / sqrt(d')
//
// Features of identity and silu may be negative, and a denominator of them zero: they are not normalised.
// What is not normalised is a plain sum, which grows with the tokens read. With relu, a denominator is zero
// when no key had a feature that the query has; o is then 0.
//
// Chunkwise over a sequence, in chunks of `chunk`; parallel as one chunk of the whole; recurrent with S and z
// as its state: heads F (d + 1) numbers, without z heads F d.
#include "autograd/linear_ops.h"
#include "autograd/ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "nn/layers.h"

namespace seqbench {
namespace {

constexpr std::int64_t kTaylorDim = 16;  // BASED's

std::int64_t feature_dim_of(const Options& options, const MixerContext& context) {
  if (options.integer("feature_dim") != 0) return options.integer("feature_dim");
  return options.text("feature_map") == "taylor" ? kTaylorDim : context.width / heads_of(options, context);
}

class Linear : public Mechanism {
 public:
  Linear(const Options& options, const MixerContext& context, const ParameterScope& parameters)
      : width_(context.width),
        feature_map_(options.text("feature_map")),
        rule_{.heads = heads_of(options, context),
              .chunk = options.integer("chunk"),
              .normalise = options.flag("normalise")},
        key_width_(rule_.heads * feature_dim_of(options, context)),
        wq_(parameters, "wq", width_, key_width_, kInitStd),
        wk_(parameters, "wk", width_, key_width_, kInitStd),
        wv_(parameters, "wv", width_, width_, kInitStd),
        wo_(parameters, "wo", width_, width_, output_std(context.layers)) {}

  Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const override {
    LinearRule rule = rule_;
    if (form == Form::parallel) rule.chunk = x.shape[1];
    const Tensor q = features(tape, wq_(tape, x));
    const Tensor k = features(tape, wk_(tape, x));
    const Tensor v = wv_(tape, x);
    return wo_(tape, linear_attention(tape, q, k, v, rule, state == nullptr ? nullptr : &state->parts[0]));
  }

  State empty_state(std::int64_t batch, DType type) const override {
    State state{.batch = batch};
    const std::int64_t dim = key_width_ / rule_.heads;
    const std::int64_t features = feature_map_ == "taylor" ? taylor_size(dim) : dim;
    state.add("sums", rule_.state_shape(batch, rule_.heads * features, width_), type,
              "of each head S by rows (feature, value), then, when normalised, z");
    return state;
  }

 private:
  Tensor features(Tape& tape, const Tensor& x) const {
    if (feature_map_ == "taylor") return taylor_features(tape, x, rule_.heads);
    if (feature_map_ == "identity") return x;
    if (feature_map_ == "relu") return activate(tape, x, Activation::relu);
    if (feature_map_ == "silu") return activate(tape, x, Activation::silu);
    return activate(tape, x, Activation::elu_plus_one);
  }

  std::int64_t width_;
  std::string feature_map_;
  LinearRule rule_;
  std::int64_t key_width_;
  Dense wq_, wk_, wv_, wo_;
};

std::unique_ptr<Mechanism> make_linear(const Options& options, const MixerContext& context,
                                       const ParameterScope& parameters) {
  const std::string& map = options.text("feature_map");
  fail_if(
      options.flag("normalise") && (map == "identity" || map == "silu"),
      "{}.normalise: expected false with feature_map {}, whose features may be negative and their sum zero, "
      "got true. Set normalise to false, or feature_map to elu, relu or taylor.",
      context.path, map);
  return std::make_unique<Linear>(options, context, parameters);
}

}  // namespace

void register_linear(MechanismRegistry& registry) {
  registry.add({
      .name = "linear",
      .summary = "linear attention: sums of keys times values, read through a feature map",
      .source = "Katharopoulos et al. 2020, arXiv 2006.16236; taylor: Arora et al. 2024, arXiv 2402.18668",
      .forms = {Form::chunkwise, Form::parallel, Form::recurrent},
      .state =
          "heads F (D / heads + 1) numbers, F features a head: the sums S and, normalised, z of every head",
      .options = {Option::integer("heads", 4, {1, 1024}, "heads; must divide model.width"),
                  Option::choice(
                      "feature_map", "elu", {"elu", "relu", "identity", "silu", "taylor"},
                      "phi of queries and keys; elu is elu(x) + 1, taylor has 1 + d + d^2 features for d"),
                  Option::flag("normalise", true,
                               "divide by the sum of the weights; must be false with identity and silu"),
                  Option::integer(
                      "feature_dim", 0, {0, 1024},
                      "width of a head's queries and keys before phi; 0: width / heads, 16 with taylor"),
                  Option::integer("chunk", 64, {1, 8192}, "tokens taken at once in the chunkwise form")},
      .make = make_linear,
      .variants = {{{"heads", std::int64_t{1}}},
                   {{"feature_map", "relu"}},
                   {{"feature_map", "identity"}, {"normalise", false}},
                   {{"feature_map", "silu"}, {"normalise", false}},
                   {{"feature_map", "taylor"}, {"feature_dim", std::int64_t{3}}},
                   {{"normalise", false}},
                   {{"feature_dim", std::int64_t{7}}},
                   {{"chunk", std::int64_t{5}}}},
  });
}

}  // namespace seqbench
