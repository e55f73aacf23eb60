// The tape of one micro-batch: operations append themselves in the order they run; backward walks them in
// reverse, in a loop. Everything it holds lives in one arena, and goes back there as soon as backward is past
// it.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <utility>
#include <vector>

#include "autograd/buffer.h"
#include "autograd/tensor.h"
#include "base/memory.h"
#include "base/stop.h"

namespace seqbench {

class Parameters;

// The gradient of one lane: flat like the weights. A parameter's part is meaningless until it has been
// written once in a step, which saves clearing megabytes: the first writer overwrites, the others add.
class Gradients {
 public:
  Gradients(const Parameters& parameters, DType type);
  void forget();           // the start of a step: nothing is written
  void clear_unwritten();  // the end of a step: parameters that no operation reached have gradient 0
  Buffer& values() { return values_; }
  const Buffer& values() const { return values_; }

 private:
  friend class Tape;
  const Parameters& parameters_;
  Buffer values_;
  std::vector<char> written_;
};

// Where backward puts a gradient: adds to data when `accumulate`, overwrites it otherwise. Null data: not
// wanted.
template <class T>
struct Sink {
  T* data = nullptr;
  bool accumulate = false;
  explicit operator bool() const { return data != nullptr; }
};

class Tape {
 public:
  // `gradients` null: nothing is recorded. Both buffers must outlive the tape and be laid out as `parameters`
  // says. `stop` is asked before every operation, forward and backward.
  Tape(const Parameters& parameters, const Buffer& weights, Gradients* gradients, Arena& arena,
       const Stop& stop = {});
  Tape(const Tape&) = delete;
  Tape& operator=(const Tape&) = delete;

  DType dtype() const { return weights_.dtype(); }
  bool recording() const { return gradients_ != nullptr; }

  // A parameter as a tensor; its gradient goes to the lane's Gradients.
  Tensor parameter(int id);
  // Uninitialised. Throws what `stop` throws.
  Tensor make(const Shape& shape);
  // Memory that an operation keeps until the tape ends.
  template <class T>
  T* scratch(std::int64_t count) {
    return static_cast<T*>(arena_.allocate(static_cast<std::size_t>(count) * sizeof(T)));
  }
  // Memory an operation gives back itself when it is done with it.
  template <class T>
  void release(T* block, std::int64_t count) {
    arena_.release(block, static_cast<std::size_t>(count) * sizeof(T));
  }

  // Appends the backward of the operation that made `outputs`. It runs only if something wrote the gradient
  // of one of them (that of the others is then zero); it reads gradient(output) and writes sink() of its
  // inputs. Each tensor is the output of one operation. Does nothing when not recording.
  void record(std::initializer_list<Tensor> outputs, std::function<void()> backward);
  void record(const Tensor& output, std::function<void()> backward) { record({output}, std::move(backward)); }
  // Only in a backward.
  template <class T>
  const T* gradient(const Tensor& output) const {
    return static_cast<const T*>(slots_[static_cast<std::size_t>(output.slot)].gradient);
  }
  // The caller must write all of it (or, when accumulate is false and it writes only parts, clear it first).
  template <class T>
  Sink<T> sink(const Tensor& input) {
    bool accumulate = false;
    return {static_cast<T*>(sink_of(input, accumulate)), accumulate};
  }

  // Runs the recorded operations in reverse, then forgets them. Throws what `stop` throws.
  void backward();

 private:
  struct Slot {
    void* value = nullptr;  // null for parameters, whose memory is not the arena's
    void* gradient = nullptr;
    std::size_t bytes = 0;
    int parameter = -1;
  };
  struct Node {
    std::array<int, 2> outputs;  // slots; -1 for none
    std::function<void()> backward;
  };
  void* sink_of(const Tensor& input, bool& accumulate);
  bool reached(const Node& node);

  const Parameters& parameters_;
  const Buffer& weights_;
  Gradients* gradients_;
  Arena& arena_;
  Stop stop_;
  std::vector<Slot> slots_;
  std::vector<Node> nodes_;
};

}  // namespace seqbench
