// How the backward of an operation gets the memory its kernel writes gradients to.
#pragma once
#include <algorithm>
#include <cstdint>

#include "autograd/tape.h"
#include "kernels/elementwise.h"

namespace seqbench {

// For kernels that add: the sink of `input`, cleared when nothing has been written there yet.
template <class T>
T* added_to(Tape& tape, const Tensor& input) {
  const Sink<T> sink = tape.sink<T>(input);
  if (!sink.accumulate) std::fill_n(sink.data, input.shape.size(), T(0));
  return sink.data;
}

// For kernels that overwrite: the sink itself while it is unwritten, otherwise scratch that finish() adds to
// it.
template <class T>
class Overwritten {
 public:
  Overwritten(Tape& tape, const Tensor& input)
      : tape_(tape), size_(input.shape.size()), sink_(tape.sink<T>(input)) {
    data_ = sink_.accumulate ? tape.scratch<T>(size_) : sink_.data;
  }
  T* data() const { return data_; }
  void finish() {
    if (!sink_.accumulate) return;
    kernels::add_to(size_, data_, sink_.data, true);
    tape_.release(data_, size_);
  }

 private:
  Tape& tape_;
  std::int64_t size_;
  Sink<T> sink_;
  T* data_ = nullptr;
};

}  // namespace seqbench
