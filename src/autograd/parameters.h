// The parameters of a model: declared by name, kept in one flat buffer.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "autograd/buffer.h"
#include "autograd/tensor.h"

namespace seqbench {

// How a parameter starts, and whether it is held down.
struct Init {
  double mean = 0;
  double std = 0;                                    // 0: every element is its mean
  std::function<double(std::int64_t)> mean_at = {};  // of each element, instead of `mean`
  bool uniform = false;                              // of that spread, instead of normal
  bool decays = true;                                // false: no weight decay, be it a matrix
};

// Uniform in +-1 / sqrt(fan_in), as torch.nn.Linear, Conv1d and (of the width) LSTM start.
Init uniform_by(std::int64_t fan_in);

struct Parameter {
  std::string name;  // dotted: "layers.0.mixer.wq"
  Shape shape;
  Init init;
  std::string layout;       // for people: what its dimensions and parts are; "" where the name says it
  std::int64_t offset = 0;  // of its first element in the flat buffer; a multiple of 16
  std::int64_t size() const { return shape.size(); }
  // Weight decay is for matrices: not for gains, biases and other vectors (Loshchilov & Hutter 2019 leave it
  // open; this is the common choice).
  bool decays() const { return init.decays && shape.rank() >= 2; }
};

using ParameterId = int;

class Parameters {
 public:
  // Throws std::logic_error for a name that is taken, and Error beyond 2^48 numbers.
  ParameterId add(std::string name, Shape shape, Init init, std::string layout = "");
  const std::vector<Parameter>& all() const { return parameters_; }
  const Parameter& operator[](ParameterId id) const { return parameters_[static_cast<std::size_t>(id)]; }
  std::int64_t count() const { return count_; }          // numbers a model learns
  std::int64_t flat_size() const { return flat_size_; }  // with the gaps that align each parameter
  // Weights drawn from streams keyed by (seed, name): adding a parameter changes no other. Gaps are zero.
  Buffer initial(std::uint64_t seed, DType type) const;

 private:
  std::vector<Parameter> parameters_;
  std::int64_t count_ = 0;
  std::int64_t flat_size_ = 0;
};

// Declares parameters under a prefix; what mechanisms and layers are given.
class ParameterScope {
 public:
  ParameterScope(Parameters& parameters, std::string prefix);
  ParameterId add(const std::string& name, Shape shape, Init init, std::string layout = "") const;
  ParameterScope inside(const std::string& name) const;

 private:
  Parameters& parameters_;
  std::string prefix_;
};

}  // namespace seqbench
