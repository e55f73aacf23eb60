#include "autograd/tape.h"

#include <algorithm>
#include <cassert>
#include <cstring>

#include "autograd/parameters.h"

namespace seqbench {

Gradients::Gradients(const Parameters& parameters, DType type)
    : parameters_(parameters), values_(parameters.flat_size(), type), written_(parameters.all().size(), 0) {}

void Gradients::forget() { std::ranges::fill(written_, 0); }

void Gradients::clear_unwritten() {
  visit(values_.dtype(), [&](auto zero) {
    using T = decltype(zero);
    for (std::size_t i = 0; i < written_.size(); ++i) {
      const Parameter& parameter = parameters_.all()[i];
      if (!written_[i]) std::fill_n(values_.as<T>() + parameter.offset, parameter.size(), zero);
    }
  });
}

Tape::Tape(const Parameters& parameters, const Buffer& weights, Gradients* gradients, Arena& arena,
           const Stop& stop)
    : parameters_(parameters), weights_(weights), gradients_(gradients), arena_(arena), stop_(stop) {}

Tensor Tape::parameter(int id) {
  const Parameter& parameter = parameters_[id];
  // A tape reads weights and never writes them; Tensor has one kind of pointer.
  auto* bytes = const_cast<std::byte*>(visit(
      dtype(), [&](auto zero) { return reinterpret_cast<const std::byte*>(weights_.as<decltype(zero)>()); }));
  Tensor tensor{bytes + static_cast<std::size_t>(parameter.offset) * size_of(dtype()), parameter.shape,
                dtype()};
  if (recording()) {
    tensor.slot = static_cast<int>(slots_.size());
    slots_.push_back({.parameter = id});
  }
  return tensor;
}

Tensor Tape::make(const Shape& shape) {
  stop_.check();
  const std::size_t bytes = static_cast<std::size_t>(shape.size()) * size_of(dtype());
  Tensor tensor{arena_.allocate(bytes), shape, dtype()};
  if (recording()) {
    tensor.slot = static_cast<int>(slots_.size());
    slots_.push_back({.value = tensor.data, .bytes = bytes});
  }
  return tensor;
}

void Tape::record(std::initializer_list<Tensor> outputs, std::function<void()> backward) {
  if (!recording()) return;
  Node node{{-1, -1}, std::move(backward)};
  assert(outputs.size() <= node.outputs.size());
  std::ranges::transform(outputs, node.outputs.begin(), &Tensor::slot);
  nodes_.push_back(std::move(node));
}

// Whether an output's gradient was written; that of the other is then zero unless it was written too.
bool Tape::reached(const Node& node) {
  const auto written = [&](int slot) { return slot >= 0 && slots_[static_cast<std::size_t>(slot)].gradient; };
  if (std::ranges::none_of(node.outputs, written)) return false;
  for (const int index : node.outputs) {
    if (index < 0 || written(index)) continue;
    Slot& slot = slots_[static_cast<std::size_t>(index)];
    slot.gradient = arena_.allocate(slot.bytes);
    std::memset(slot.gradient, 0, slot.bytes);
  }
  return true;
}

void* Tape::sink_of(const Tensor& input, bool& accumulate) {
  if (input.slot < 0) return nullptr;
  Slot& slot = slots_[static_cast<std::size_t>(input.slot)];
  if (slot.parameter >= 0) {
    const auto id = static_cast<std::size_t>(slot.parameter);
    accumulate = gradients_->written_[id] != 0;
    gradients_->written_[id] = 1;
    auto* bytes = visit(dtype(), [&](auto zero) {
      return reinterpret_cast<std::byte*>(gradients_->values_.as<decltype(zero)>());
    });
    return bytes + static_cast<std::size_t>(parameters_.all()[id].offset) * size_of(dtype());
  }
  accumulate = slot.gradient != nullptr;
  if (slot.gradient == nullptr) slot.gradient = arena_.allocate(slot.bytes);
  return slot.gradient;
}

void Tape::backward() {
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    stop_.check();
    if (!reached(*node)) continue;
    node->backward();
    // Whatever read these tensors or their gradients came later on the tape, so they are done with.
    for (const int index : node->outputs) {
      if (index < 0) continue;
      Slot& slot = slots_[static_cast<std::size_t>(index)];
      arena_.release(slot.gradient, slot.bytes);
      arena_.release(slot.value, slot.bytes);
      slot.gradient = nullptr;
    }
  }
  nodes_.clear();
}

}  // namespace seqbench
