#include "proof/subject.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/random.h"

namespace seqbench::proof {
namespace {

std::unique_ptr<Mechanism> make(const Case& of, std::int64_t layer, Parameters& parameters) {
  const std::string path = of.entry->name;
  return of.entry->make(
      Options(of.entry->options, of.settings, path),
      {.width = kWidth, .layers = 2, .layer = layer, .length = kTrainingLength, .path = path},
      ParameterScope(parameters, ""));
}

// Null: zeros.
template <class T>
Numbers numbers_of(const T* data, std::int64_t count) {
  Numbers numbers(static_cast<std::size_t>(count), 0.0);
  if (data != nullptr) std::copy_n(data, count, numbers.begin());
  return numbers;
}

template <class T>
void copy_to(const Numbers& numbers, T* to) {
  std::ranges::transform(numbers, to, [](double x) { return static_cast<T>(x); });
}

Numbers d_end_numbers(const Inputs& in, std::size_t part, std::int64_t count) {
  return normal_numbers(count, in.d_end_seed + part);
}

template <class T>
State state_of(const StateNumbers& numbers, State state) {
  state.tokens = numbers.tokens;
  for (std::size_t i = 0; i < state.parts.size(); ++i) {
    state.parts[i].shape = numbers.shapes[i];
    state.parts[i].values.resize(numbers.shapes[i].size());
    copy_to(numbers.parts[i], state.parts[i].values.as<T>());
  }
  return state;
}

template <class T>
Tensor input_of(Tape& tape, const Inputs& in) {
  const Tensor x = tape.make({in.batch, in.length, kWidth});
  copy_to(in.x, x.as<T>());
  return x;
}

template <class T>
StateNumbers numbers_of(const TapeState& state) {
  StateNumbers numbers{state.tokens, {}, {}};
  for (const StateTensor& part : state.parts) {
    numbers.shapes.push_back(part.value.shape);
    numbers.parts.push_back(numbers_of(part.value.as<T>(), part.value.shape.size()));
  }
  return numbers;
}

// Adds <value, d> to the loss and, on a tape that records, puts d where backward begins.
template <class T>
double ask(Tape& tape, const Tensor& value, const Numbers& d) {
  double loss = 0;
  for (std::size_t i = 0; i < d.size(); ++i) loss += static_cast<double>(value.as<T>()[i]) * d[i];
  if (tape.recording() && !d.empty()) {
    const Sink<T> sink = tape.sink<T>(value);
    copy_to(d, sink.data);
  }
  return loss;
}

}  // namespace

Inputs Inputs::random(std::int64_t length, std::uint64_t seed) {
  Inputs in;
  in.length = length;
  in.x = normal_numbers(in.batch * length * kWidth, seed);
  in.dy = normal_numbers(in.batch * length * kWidth, seed + 1);
  return in;
}

Subject::Subject(const Case& of, DType type, std::int64_t layer, double weight_scale)
    : entry_(*of.entry), mechanism_(make(of, layer, parameters_)), weights_(parameters_.initial(7, type)) {
  for (const Parameter& parameter : parameters_.all()) {
    Random random(7, "weights of proofs: " + parameter.name);
    const bool matrix = parameter.shape.rank() >= 2;
    const double spread = matrix ? 1 / std::sqrt(static_cast<double>(parameter.shape[-2])) : 0.3;
    for (std::int64_t i = parameter.offset; i < parameter.offset + parameter.size(); ++i) {
      const double start = matrix ? 0.0 : weight(i);
      // Rounded to f32, so that both types compute the same function.
      set_weight(i, static_cast<double>(static_cast<float>(start + weight_scale * spread * random.normal())));
    }
  }
}

double Subject::weight(std::int64_t i) const {
  return visit(weights_.dtype(),
               [&](auto zero) { return static_cast<double>(weights_.as<decltype(zero)>()[i]); });
}

void Subject::set_weight(std::int64_t i, double value) {
  visit(weights_.dtype(), [&](auto zero) {
    using T = decltype(zero);
    weights_.as<T>()[i] = static_cast<T>(value);
  });
}

Way Subject::token_by_token(std::int64_t length) const {
  return {Form::recurrent, std::vector<std::int64_t>(static_cast<std::size_t>(length), 1)};
}

std::vector<Way> Subject::ways(std::int64_t length) const {
  std::vector<Way> all;
  for (const Form form : entry_.forms) all.push_back({form, pieces_of(entry_, form, length)});
  if (entry_.forms.front() == Form::recurrent) all.push_back(token_by_token(length));
  return all;
}

template <class T>
Outputs Subject::run_as(const Inputs& in, const Way& way) {
  arena_.reset();
  Gradients gradients(parameters_, dtype_of<T>);
  Tape tape(parameters_, weights_, in.dy.empty() || !in.backward ? nullptr : &gradients, arena_);
  const Tensor x = input_of<T>(tape, in);
  const State empty = mechanism_->empty_state(in.batch, dtype_of<T>);
  TapeState state = recorded(tape, in.start == nullptr ? empty : state_of<T>(*in.start, empty));
  const std::vector<StateTensor> start = state.parts;

  Outputs out;
  const bool plain = in.start == nullptr && in.d_end_seed == 0 && way.pieces.size() == 1;
  const Tensor y = plain ? mechanism_->forward(tape, x, way.form, nullptr)
                         : forward_in_pieces(tape, *mechanism_, x, way.form, way.pieces, state);
  out.y = numbers_of(y.as<T>(), y.shape.size());
  if (!plain) out.end = numbers_of<T>(state);
  out.loss = ask<T>(tape, y, in.dy);
  for (std::size_t i = 0; in.d_end_seed != 0 && i < state.parts.size(); ++i) {
    const Tensor& value = state.parts[i].value;
    out.loss += ask<T>(tape, value, d_end_numbers(in, i, value.shape.size()));
  }
  if (!tape.recording()) return out;
  tape.backward();
  gradients.clear_unwritten();
  out.dx = numbers_of(tape.gradient<T>(x), x.shape.size());
  out.dw = numbers_of(gradients.values().as<T>(), gradients.values().size());
  for (const StateTensor& part : start) {
    out.d_start.push_back(numbers_of(tape.gradient<T>(part.value), part.value.shape.size()));
  }
  return out;
}

template <class T>
Outputs Subject::run_in_place_as(const Inputs& in, const Way& way) {
  const State empty = mechanism_->empty_state(in.batch, dtype_of<T>);
  State state = in.start == nullptr ? empty : state_of<T>(*in.start, empty);
  Outputs out;
  out.y.assign(in.x.size(), 0.0);
  std::int64_t first = 0;
  for (const std::int64_t count : way.pieces) {
    arena_.reset();
    Tape tape(parameters_, weights_, nullptr, arena_);
    const Tensor piece = tape.make({in.batch, count, kWidth});
    const auto move = [&](const auto& body) {
      for (std::int64_t b = 0; b < in.batch; ++b) {
        for (std::int64_t i = 0; i < count * kWidth; ++i) {
          body(static_cast<std::size_t>((b * in.length + first) * kWidth + i), b * count * kWidth + i);
        }
      }
    };
    move([&](std::size_t of, std::int64_t at) { piece.as<T>()[at] = static_cast<T>(in.x[of]); });
    const Tensor y = extend(tape, *mechanism_, piece, way.form, state);
    move([&](std::size_t of, std::int64_t at) { out.y[of] = static_cast<double>(y.as<T>()[at]); });
    first += count;
  }
  out.end = numbers_of<T>(in_place(state));
  return out;
}

Outputs Subject::run(const Inputs& in, const Way& way) {
  return visit(weights_.dtype(), [&](auto zero) { return run_as<decltype(zero)>(in, way); });
}

Outputs Subject::run_in_place(const Inputs& in, const Way& way) {
  return visit(weights_.dtype(), [&](auto zero) { return run_in_place_as<decltype(zero)>(in, way); });
}

StateNumbers Subject::warm_state(std::int64_t batch, std::int64_t tokens) {
  Inputs in;
  in.batch = batch;
  in.length = tokens;
  in.x = normal_numbers(batch * tokens * kWidth, 99);
  return run_in_place(in, whole(tokens)).end;
}

std::int64_t Subject::state_bytes(std::int64_t tokens) {
  std::int64_t numbers = 0;
  for (const Numbers& part : warm_state(1, tokens).parts) numbers += static_cast<std::int64_t>(part.size());
  return numbers * static_cast<std::int64_t>(size_of(weights_.dtype()));
}

void Subject::disturb_memory() {
  arena_.reset();
  constexpr std::size_t kBytes = std::size_t{1} << 20;
  void* block = arena_.allocate(kBytes);
  std::memset(block, 0xff, kBytes);  // NaNs
  arena_.allocate(3 * kAlignment);
}

}  // namespace seqbench::proof
