// One mechanism by itself, as `bench` times it: no embedding, no block around it, no optimiser.
#pragma once
#include <cstdint>
#include <memory>

#include "mechanism/mechanism.h"
#include "model/spec.h"

namespace seqbench {

struct BenchShape {
  std::int64_t batch = 1;   // sequences at once, on one thread
  std::int64_t width = 64;  // D
  std::int64_t length = 512;
};

// Throws Error for options that do not fit the shape.
void expect_fit(const MixerSpec& mixer, const BenchShape& shape);

class BenchSubject {
 public:
  BenchSubject(const MixerSpec& mixer, const BenchShape& shape);

  // y[batch, length, width] in the training form, from an empty state; nothing is kept for backward.
  void forward();
  // The same, and the gradients of every weight and of x.
  void train();
  // Reads the whole sequence into `state`, in pieces that stay in the cache.
  void prefill(State& state);
  // The next token after `state`.
  void decode(State& state);

  State empty_state() const { return mechanism_->empty_state(shape_.batch, DType::f32); }
  std::int64_t tokens() const { return shape_.batch * shape_.length; }

 private:
  void read(std::int64_t first, std::int64_t count, State& state);

  BenchShape shape_;
  Form form_;
  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;
  Gradients gradients_;
  Buffer x_;  // [length, batch, width]: any `count` tokens are a sequence to read
  Buffer dy_;
  Arena arena_;
};

}  // namespace seqbench
