// One mechanism with one setting of its options, ready to be run in every way there is: any form, any
// pieces, f32 or f64, with or without a state, forward and backward.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mechanism/pieces.h"
#include "proof/numbers.h"

namespace seqbench::proof {

constexpr std::int64_t kWidth = 16;           // D of every proof
constexpr std::int64_t kTrainingLength = 64;  // what the mechanism is told

using Settings = std::map<std::string, Value>;

// What is proven: a mechanism with these options, the others at their defaults.
struct Case {
  const MechanismEntry* entry = nullptr;
  Settings settings = {};
};

// A state as numbers, in the order of the mechanism's parts.
struct StateNumbers {
  std::int64_t tokens = 0;
  std::vector<Shape> shapes;
  std::vector<Numbers> parts;
};

// How a sequence is computed.
struct Way {
  Form form;
  std::vector<std::int64_t> pieces;  // their lengths; one piece without a state: a plain training pass
};

// x[batch, length, kWidth], and the gradients that arrive at the outputs and at the end of the state.
struct Inputs {
  std::int64_t batch = 2;
  std::int64_t length = 0;
  Numbers x;
  Numbers dy;                           // empty: no loss of outputs, and no backward
  bool backward = true;                 // false: the loss alone
  const StateNumbers* start = nullptr;  // null: empty
  std::uint64_t d_end_seed = 0;         // 0: nobody asks for the end of the state

  static Inputs random(std::int64_t length, std::uint64_t seed);
};

struct Outputs {
  Numbers y;
  StateNumbers end;
  double loss = 0;  // <y, dy> + <end, d_end>
  Numbers dx;
  Numbers dw;                    // of every parameter, laid out as Parameters says
  std::vector<Numbers> d_start;  // of every part
};

class Subject {
 public:
  // Weights of unit gain (matrices N(0, 1 / fan in), other parameters 0.3 N(0, 1) around their start), so
  // that gates and scores are far from linear. Throws Error for settings that do not fit.
  Subject(const Case& of, DType type, std::int64_t layer = 0, double weight_scale = 1);

  const Parameters& parameters() const { return parameters_; }
  std::int64_t weights() const { return weights_.size(); }  // numbers of all parameters, with gaps of zeros
  double weight(std::int64_t i) const;
  void set_weight(std::int64_t i, double value);

  Way whole(std::int64_t length) const { return {entry_.forms.front(), {length}}; }
  Way token_by_token(std::int64_t length) const;
  // Every form over the whole sequence, the recurrent one token by token if need be.
  std::vector<Way> ways(std::int64_t length) const;

  // On a tape that records when there is a backward.
  Outputs run(const Inputs& in, const Way& way);
  // The same y and end without a tape that records: decoding and prefill, with the state updated in place.
  Outputs run_in_place(const Inputs& in, const Way& way);
  // After `tokens` random ones.
  StateNumbers warm_state(std::int64_t batch, std::int64_t tokens);
  // Of an empty state after `tokens` random ones, for one sequence.
  std::int64_t state_bytes(std::int64_t tokens);
  // What every later tape's memory holds at first: another history of allocations must not change a bit.
  void disturb_memory();

 private:
  template <class T>
  Outputs run_as(const Inputs& in, const Way& way);
  template <class T>
  Outputs run_in_place_as(const Inputs& in, const Way& way);

  const MechanismEntry& entry_;
  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;
  Arena arena_;
};

}  // namespace seqbench::proof
