// A mechanism: a causal map from x[B, L, D] and a state to y[B, L, D] and the next state.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "autograd/parameters.h"
#include "autograd/state.h"
#include "autograd/tape.h"
#include "base/options.h"

namespace seqbench {

// The ways of computing one and the same function.
enum class Form { parallel, chunkwise, recurrent };
const char* name_of(Form form);

class Mechanism {
 public:
  virtual ~Mechanism() = default;

  // y[B, L, D] of x[B, L, D], recorded on the tape for backward. `state` null: from an empty state, whose end
  // nobody asks for. Otherwise x comes after what `state` has read, and the state is left as the next call
  // needs it, but for `tokens`, which is the caller's to advance. `form` is one the entry lists; recurrent
  // may be asked for at L = 1 only, unless it is the first one listed.
  virtual Tensor forward(Tape& tape, const Tensor& x, Form form, TapeState* state) const = 0;

  // An empty state for `batch` sequences, in the tape's element type.
  virtual State empty_state(std::int64_t batch, DType type) const = 0;
};

// Reads x[B, L, D] after what `state` has read, without recording: the training form `whole`, or the
// recurrent one at L = 1.
Tensor extend(Tape& tape, const Mechanism& mechanism, const Tensor& x, Form whole, State& state);

// What a mechanism is told of its place in the model.
struct MixerContext {
  std::int64_t width = 0;   // D
  std::int64_t layers = 1;  // of the model: output projections start at N(0, 0.02 / sqrt(2 layers))
  std::int64_t layer = 0;   // this one
  std::int64_t length = 0;  // of the sequences it will be trained on
  std::string path;         // in the spec, for messages: "model.mixer"
};

// The initial spread of an output projection in a model of `layers` layers (GPT-2).
double output_std(std::int64_t layers);
constexpr double kInitStd = 0.02;

// The option "heads", which must divide the width: throws Error naming both otherwise.
std::int64_t heads_of(const Options& options, const MixerContext& context);

// What the registry holds of a mechanism. `make` declares parameters and throws Error for options that do not
// fit the width or each other.
struct MechanismEntry {
  std::string name;
  std::string summary;      // one line
  std::string source;       // paper
  std::vector<Form> forms;  // training and prefill use the first; decoding is recurrent, which all have
  std::string state;        // decode state per layer and sequence, as a formula for people: "2 L D numbers"
  OptionList options;
  std::function<std::unique_ptr<Mechanism>(const Options& options, const MixerContext& context,
                                           const ParameterScope& parameters)>
      make;
  // True for a whole block with its own norms and residual sums: the model then is x = mechanism(x) at this
  // layer, and model.short_conv and model.ffn do not apply to it.
  bool own_block = false;
  // Settings that are proven besides the defaults: every option that changes what is computed.
  std::vector<std::map<std::string, Value>> variants = {};
  int version = 1;  // goes up when scores could change: a part of every result's identity
};

class MechanismRegistry {
 public:
  void add(MechanismEntry entry);
  const std::vector<MechanismEntry>& all() const { return entries_; }
  // Throws Error with the nearest name; `path` is where the name was given.
  const MechanismEntry& find(const std::string& name, const std::string& path) const;

 private:
  std::vector<MechanismEntry> entries_;
};

// Every mechanism of the folder mechanisms/ (and of SEQBENCH_EXTRA_MECHANISMS), in the order of their names.
const MechanismRegistry& mechanisms();

}  // namespace seqbench
