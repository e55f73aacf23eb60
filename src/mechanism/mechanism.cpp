#include "mechanism/mechanism.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace seqbench {

const char* name_of(Form form) {
  switch (form) {
    case Form::parallel:
      return "parallel";
    case Form::chunkwise:
      return "chunkwise";
    case Form::recurrent:
      return "recurrent";
  }
  return "";
}

Tensor extend(Tape& tape, const Mechanism& mechanism, const Tensor& x, Form whole, State& state) {
  const std::int64_t length = x.shape[1];
  TapeState on_tape = in_place(state);
  const Tensor y = mechanism.forward(tape, x, length == 1 ? Form::recurrent : whole, &on_tape);
  put_back(on_tape, state);
  state.tokens += length;
  return y;
}

double output_std(std::int64_t layers) { return kInitStd / std::sqrt(2.0 * static_cast<double>(layers)); }

std::int64_t heads_of(const Options& options, const MixerContext& context) {
  const std::int64_t heads = options.integer("heads");
  fail_if(context.width % heads != 0,
          "{}.heads: expected a divisor of model.width, got {} heads for a width of {}.", context.path, heads,
          context.width);
  return heads;
}

void MechanismRegistry::add(MechanismEntry entry) { entries_.push_back(std::move(entry)); }

const MechanismEntry& MechanismRegistry::find(const std::string& name, const std::string& path) const {
  const auto found = std::ranges::find(entries_, name, &MechanismEntry::name);
  if (found != entries_.end()) return *found;
  Texts names;
  for (const MechanismEntry& entry : entries_) names.push_back(entry.name);
  throw Error(unknown_name("mechanism", name, path, names));
}

}  // namespace seqbench
