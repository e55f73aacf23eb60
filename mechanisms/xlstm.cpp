// xLSTM[a:b] (Beck et al. 2024, arXiv 2405.04517): of every a + b layers, a are mLSTM blocks and b are sLSTM
// blocks (mlstm.cpp, slstm.cpp). The paper lists positions by hand, early ones among them; here a period is
// one mLSTM, then b sLSTM, then the other mLSTM, so that two layers already have one of each.
//
// State, forms and parameters of a layer are those of its block; sLSTM computes token by token whatever the
// form.
#include "base/error.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

bool is_slstm(std::int64_t layer, std::int64_t mlstm, std::int64_t slstm) {
  const std::int64_t place = layer % (mlstm + slstm);
  return mlstm == 0 || (place >= 1 && place <= slstm);
}

std::unique_ptr<Mechanism> make_block(const Options& options, const MixerContext& context,
                                      const ParameterScope& parameters) {
  const std::int64_t mlstm = options.integer("mlstm");
  const std::int64_t slstm = options.integer("slstm");
  fail_if(mlstm + slstm == 0, "{0}: expected blocks of at least one kind, got {0}.mlstm = {0}.slstm = 0.",
          context.path);
  const bool sequential = is_slstm(context.layer, mlstm, slstm);
  const MechanismEntry& entry = mechanisms().find(sequential ? "slstm" : "mlstm", context.path);
  std::map<std::string, Value> given = {{"heads", options.integer("heads")},
                                        {"conv", options.integer("conv")}};
  if (!sequential) given["chunk"] = options.integer("chunk");
  return entry.make(Options(entry.options, given, context.path), context, parameters);
}

}  // namespace

void register_xlstm(MechanismRegistry& registry) {
  registry.add({
      .name = "xlstm",
      .summary = "xLSTM[a:b]: blocks of mLSTM and of sLSTM, a and b of every a + b layers",
      .source = "Beck et al. 2024, arXiv 2405.04517",
      .forms = {Form::chunkwise, Form::parallel, Form::recurrent},
      .state = "of each layer, that of its block: see mlstm and slstm",
      .options = {Option::integer("mlstm", 7, {0, 256}, "a: mLSTM blocks of every a + b layers"),
                  Option::integer("slstm", 1, {0, 256},
                                  "b: sLSTM blocks of every a + b layers, from the second layer of them on"),
                  Option::integer("heads", 4, {1, 1024}, "heads of both; must divide model.width"),
                  Option::integer("chunk", 64, {1, 4096}, "tokens per chunk of mLSTM's chunkwise form"),
                  Option::integer("conv", 4, {1, 16}, "taps of the convolution in both")},
      .make = make_block,
      .own_block = true,
      .variants = {{{"mlstm", std::int64_t{0}}},
                   {{"heads", std::int64_t{2}}, {"chunk", std::int64_t{3}}, {"conv", std::int64_t{2}}}},
      .version = 2,
  });
}

}  // namespace seqbench
