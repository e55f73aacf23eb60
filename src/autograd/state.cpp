#include "autograd/state.h"

#include <algorithm>
#include <utility>

namespace seqbench {
namespace {

Tensor view(Buffer& values, const Shape& shape) {
  void* data =
      visit(values.dtype(), [&](auto zero) { return static_cast<void*>(values.as<decltype(zero)>()); });
  return {data, shape, values.dtype()};
}

// The token rows [from, from + count) of a cache [tokens, B, W] go to the rows from `to` on.
struct Move {
  std::int64_t from, to, count;
};

// A new cache of `tokens` tokens put together from rows of an old one.
Tensor gathered(Tape& tape, const Tensor& cache, std::int64_t tokens, const std::vector<Move>& moves) {
  const std::int64_t row = cache.shape[1] * cache.shape[2];
  const Tensor y = tape.make({tokens, cache.shape[1], cache.shape[2]});
  visit(cache.dtype, [&](auto zero) {
    using T = decltype(zero);
    for (const Move& m : moves)
      std::copy_n(cache.as<T>() + m.from * row, m.count * row, y.as<T>() + m.to * row);
    tape.record(y, [=, &tape] {
      T* d_cache = added_to<T>(tape, cache);
      for (const Move& m : moves) {
        kernels::add_to(m.count * row, tape.gradient<T>(y) + m.to * row, d_cache + m.from * row, true);
      }
    });
  });
  return y;
}

// Between x[B, L, W] and rows [tokens, B, W] of a cache.
template <class F>
void for_each_token(const Tensor& x, const F& copy) {
  const std::int64_t batch = x.shape[0], length = x.shape[1], width = x.shape[2];
  for (std::int64_t b = 0; b < batch; ++b) {
    for (std::int64_t t = 0; t < length; ++t) copy((b * length + t) * width, (t * batch + b) * width, width);
  }
}

}  // namespace

void State::add(std::string name, const Shape& shape, DType type, const char* layout) {
  parts.push_back({std::move(name), shape, Buffer(shape.size(), type), layout});
}

std::int64_t State::bytes() const {
  std::int64_t sum = 0;
  for (const Part& part : parts) sum += part.values.bytes();
  return sum;
}

TapeState in_place(State& state) {
  TapeState on_tape{state.tokens, {}};
  for (State::Part& part : state.parts)
    on_tape.parts.push_back({view(part.values, part.shape), &part.values});
  return on_tape;
}

void put_back(const TapeState& updated, State& state) {
  for (std::size_t i = 0; i < state.parts.size(); ++i) state.parts[i].shape = updated.parts[i].value.shape;
}

TapeState recorded(Tape& tape, const State& state) {
  TapeState on_tape{state.tokens, {}};
  for (const State::Part& part : state.parts) {
    const Tensor value = tape.make(part.shape);
    visit(value.dtype, [&](auto zero) {
      using T = decltype(zero);
      std::copy_n(part.values.as<T>(), part.shape.size(), value.as<T>());
    });
    on_tape.parts.push_back({value});
  }
  return on_tape;
}

Carry carry(Tape& tape, StateTensor* state, const Shape& shape) {
  if (state != nullptr && state->home != nullptr) return {state->value, state->value};
  const Tensor after = tape.make(shape);
  const Tensor before = state == nullptr ? Tensor{nullptr, {}, after.dtype} : state->value;
  visit(after.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (state == nullptr) {
      std::fill_n(after.as<T>(), shape.size(), zero);
    } else {
      std::copy_n(before.as<T>(), shape.size(), after.as<T>());
      state->value = after;
    }
  });
  return {before, after};
}

void record(Tape& tape, const Tensor& y, const Carry& carry, std::function<void()> backward) {
  if (carry.before.data == nullptr) {
    tape.record(y, std::move(backward));
  } else {
    tape.record({y, carry.after}, std::move(backward));
  }
}

void append_tokens(Tape& tape, const Tensor& x, StateTensor& cache) {
  const Tensor before = cache.value;
  const std::int64_t old = before.shape.size();
  const Shape shape{before.shape[0] + x.shape[1], x.shape[0], x.shape[2]};
  visit(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if (cache.home != nullptr) {
      cache.home->resize(shape.size());
      cache.value = view(*cache.home, shape);
    } else {
      cache.value = tape.make(shape);
      std::copy_n(before.as<T>(), old, cache.value.as<T>());
    }
    const Tensor after = cache.value;
    for_each_token(x, [&](std::int64_t from, std::int64_t to, std::int64_t width) {
      std::copy_n(x.as<T>() + from, width, after.as<T>() + old + to);
    });
    tape.record(after, [=, &tape] {
      const T* d_after = tape.gradient<T>(after);
      kernels::add_to(old, d_after, added_to<T>(tape, before), true);
      T* dx = added_to<T>(tape, x);
      for_each_token(x, [&](std::int64_t from, std::int64_t to, std::int64_t width) {
        kernels::add_to(width, d_after + old + to, dx + from, true);
      });
    });
  });
}

void keep_tokens(Tape& tape, StateTensor& cache, std::int64_t first, std::int64_t last) {
  const std::int64_t tokens = cache.value.shape[0];
  if (tokens <= first + last) return;
  if (cache.home == nullptr) {
    cache.value = gathered(tape, cache.value, first + last, {{0, 0, first}, {tokens - last, first, last}});
    return;
  }
  const Shape shape{first + last, cache.value.shape[1], cache.value.shape[2]};
  const std::int64_t row = shape[1] * shape[2];
  visit(cache.value.dtype, [&](auto zero) {
    using T = decltype(zero);
    T* rows = cache.home->as<T>();
    std::copy(rows + (tokens - last) * row, rows + tokens * row, rows + first * row);
  });
  cache.home->resize(shape.size());
  cache.value = view(*cache.home, shape);
}

}  // namespace seqbench
