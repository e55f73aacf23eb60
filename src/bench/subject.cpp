#include "bench/subject.h"

#include <algorithm>

#include "base/random.h"

namespace seqbench {
namespace {

// Activations of a piece stay in the cache however long the context.
constexpr std::int64_t kPiece = 512;

std::unique_ptr<Mechanism> make(const MixerSpec& mixer, const BenchShape& shape, Parameters& parameters) {
  return mechanisms()
      .find(mixer.name, mixer.path)
      .make(mixer.options, {.width = shape.width, .length = shape.length, .path = mixer.path},
            ParameterScope(parameters, ""));
}

Buffer normal_numbers(std::int64_t count, const char* purpose) {
  Buffer buffer(count, DType::f32);
  Random random(0, purpose);
  for (std::int64_t i = 0; i < count; ++i) buffer.as<float>()[i] = static_cast<float>(random.normal());
  return buffer;
}

}  // namespace

void expect_fit(const MixerSpec& mixer, const BenchShape& shape) {
  Parameters parameters;
  make(mixer, shape, parameters);
}

BenchSubject::BenchSubject(const MixerSpec& mixer, const BenchShape& shape)
    : shape_(shape),
      form_(mechanisms().find(mixer.name, mixer.path).forms.front()),
      mechanism_(make(mixer, shape, parameters_)),
      weights_(parameters_.initial(0, DType::f32)),
      gradients_(parameters_, DType::f32),
      x_(normal_numbers(tokens() * shape.width, "inputs to time a mechanism with")),
      dy_(normal_numbers(tokens() * shape.width, "output gradients to time a mechanism with")) {}

void BenchSubject::forward() {
  arena_.reset();
  Tape tape(parameters_, weights_, nullptr, arena_);
  const Tensor x{x_.as<float>(), {shape_.batch, shape_.length, shape_.width}};
  mechanism_->forward(tape, x, form_, nullptr);
}

void BenchSubject::train() {
  arena_.reset();
  gradients_.forget();
  Tape tape(parameters_, weights_, &gradients_, arena_);
  const Tensor x = tape.make({shape_.batch, shape_.length, shape_.width});
  std::copy_n(x_.as<float>(), x_.size(), x.as<float>());
  const Tensor y = mechanism_->forward(tape, x, form_, nullptr);
  std::copy_n(dy_.as<float>(), dy_.size(), tape.sink<float>(y).data);
  tape.backward();
}

void BenchSubject::read(std::int64_t first, std::int64_t count, State& state) {
  arena_.reset();
  Tape tape(parameters_, weights_, nullptr, arena_);
  const Tensor x{x_.as<float>() + first * shape_.batch * shape_.width, {shape_.batch, count, shape_.width}};
  extend(tape, *mechanism_, x, form_, state);
}

void BenchSubject::prefill(State& state) {
  for (std::int64_t first = 0; first < shape_.length; first += kPiece) {
    read(first, std::min(kPiece, shape_.length - first), state);
  }
}

void BenchSubject::decode(State& state) { read(0, 1, state); }

}  // namespace seqbench
