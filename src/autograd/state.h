// What a mechanism carries from one token to the next: the numbers (State), and the same while a tape works
// on them (TapeState).
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/buffer.h"
#include "autograd/sinks.h"
#include "autograd/tape.h"

namespace seqbench {

// The state of one layer for `batch` sequences. Mechanisms name and shape its parts; bytes() counts what they
// really hold, which is what the results report as state_bytes.
struct State {
  struct Part {
    std::string name;
    Shape shape;              // [B, ...], or [tokens, B, ...] for a cache that grows
    Buffer values;            // shape.size() numbers
    const char* layout = "";  // for people: what its dimensions and parts are
  };
  std::int64_t batch = 1;
  std::int64_t tokens = 0;  // read so far
  std::vector<Part> parts = {};
  bool positional = false;  // what comes next depends on `tokens`, which the parts do not tell

  // Adds a part of zeros.
  void add(std::string name, const Shape& shape, DType type, const char* layout = "");
  std::int64_t bytes() const;
};

// One part on a tape. While decoding, `home` is where its numbers live, and operations update them there; on
// a tape that records, home is null and operations replace `value` by a new tensor, so that gradients reach
// both the state before and the state after.
struct StateTensor {
  Tensor value;
  Buffer* home = nullptr;
};

struct TapeState {
  std::int64_t tokens = 0;  // read before; the caller's to advance
  std::vector<StateTensor> parts;
};

// The parts of `state`, to be updated where they are. `state` must outlive the result; put_back() keeps what
// became of their shapes.
TapeState in_place(State& state);
void put_back(const TapeState& updated, State& state);

// Copies of the parts, on a tape that records.
TapeState recorded(Tape& tape, const State& state);

// A state of a fixed shape across one operation. The kernel starts from `after`, which begins as a copy of
// `before` (the same memory when it is updated in place), and leaves the state after the last token there.
struct Carry {
  Tensor before;  // no data when the operation has no state: it then starts from zeros
  Tensor after;
};

// Moves `state` on. Null: zeros of that shape, whose end nobody asks for.
Carry carry(Tape& tape, StateTensor* state, const Shape& shape);

// As Tape::record, for an operation with the outputs y and, where there is one, the state after.
void record(Tape& tape, const Tensor& y, const Carry& carry, std::function<void()> backward);

// Only in a backward. The gradient of the state after: null for zeros.
template <class T>
const T* end_gradient(const Tape& tape, const Carry& carry) {
  return carry.before.data == nullptr ? nullptr : tape.gradient<T>(carry.after);
}
// Only in a backward. Where the gradient of the state before is added: null when not wanted.
template <class T>
T* start_gradient(Tape& tape, const Carry& carry) {
  return carry.before.data == nullptr ? nullptr : added_to<T>(tape, carry.before);
}

// Appends the tokens of x[B, L, W] to a cache [tokens, B, W].
void append_tokens(Tape& tape, const Tensor& x, StateTensor& cache);

// Keeps the first `first` and the last `last` tokens of a cache [tokens, B, W], when it has more than that.
void keep_tokens(Tape& tape, StateTensor& cache, std::int64_t first, std::int64_t last);

}  // namespace seqbench
