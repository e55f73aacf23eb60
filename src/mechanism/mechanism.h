// A mechanism: a causal map from x[B, L, D] and a state to y[B, L, D] and the next state.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/parameters.h"
#include "autograd/tape.h"
#include "base/options.h"
#include "mechanism/state.h"

namespace seqbench {

// The ways of computing one and the same function. Training uses the first that a mechanism lists; decoding
// is recurrent.
enum class Form { parallel, chunkwise, recurrent };
const char* name_of(Form form);

class Mechanism {
 public:
  virtual ~Mechanism() = default;

  // The training form, from an empty state: y[B, L, D] of x[B, L, D]. Recorded on the tape for backward.
  virtual Tensor forward(Tape& tape, const Tensor& x) const = 0;

  // The parts of an empty state for `batch` sequences, in the tape's element type.
  virtual State empty_state(std::int64_t batch, DType type) const = 0;

  // The same function with a state: reads x[B, L, D] after what `state` has read, and leaves in it what the
  // next call needs. L = 1 is decoding and uses the recurrent form; longer pieces are prefill. Not recorded.
  // `state.tokens` is the caller's to advance.
  virtual Tensor extend(Tape& tape, const Tensor& x, State& state) const = 0;
};

// What a mechanism is told of its place in the model.
struct MixerContext {
  std::int64_t width = 0;   // D
  std::int64_t layers = 1;  // of the model: output projections start at N(0, 0.02 / sqrt(2 layers))
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
  std::string summary;  // one line
  std::string source;   // paper
  std::vector<Form> forms;
  std::string state;  // decode state per layer and sequence, as a formula for people: "2 L D numbers"
  OptionList options;
  std::function<std::unique_ptr<Mechanism>(const Options& options, const MixerContext& context,
                                           const ParameterScope& parameters)>
      make;
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
