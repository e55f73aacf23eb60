#include "autograd/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace seqbench {
namespace {
constexpr std::int64_t kFlatStep = 16;                 // f32 numbers in 64 bytes
constexpr std::int64_t kMost = std::int64_t{1} << 48;  // a petabyte of f32: no sum of sizes overflows below

void refuse_too_many(const std::string& name, const Shape& shape, std::int64_t before) {
  std::int64_t size = 1;
  bool overflows = false;
  for (int i = 0; i < shape.rank(); ++i) overflows |= __builtin_mul_overflow(size, shape[i], &size);
  fail_if(overflows || size > kMost - before,
          "the model: more than {} parameters, with {} of shape {}: lower model.width, or what else makes it "
          "so large.",
          kMost, name, to_text(shape));
}

// Of mean 0 and standard deviation 1.
double unit(Random& random, bool uniform) {
  return uniform ? std::numbers::sqrt3 * (2 * random.uniform() - 1) : random.normal();
}

}  // namespace

Init uniform_by(std::int64_t fan_in) {
  return {.std = 1.0 / std::sqrt(3.0 * static_cast<double>(fan_in)), .uniform = true};
}

ParameterId Parameters::add(std::string name, Shape shape, Init init, std::string layout) {
  if (std::ranges::find(parameters_, name, &Parameter::name) != parameters_.end()) {
    throw std::logic_error(fmt::format("two parameters are called {}", name));
  }
  refuse_too_many(name, shape, count_);
  parameters_.push_back({std::move(name), shape, std::move(init), std::move(layout), flat_size_});
  count_ += shape.size();
  flat_size_ += (shape.size() + kFlatStep - 1) / kFlatStep * kFlatStep;
  return static_cast<ParameterId>(parameters_.size()) - 1;
}

Buffer Parameters::initial(std::uint64_t seed, DType type) const {
  Buffer weights(flat_size_, type);
  visit(type, [&](auto zero) {
    using T = decltype(zero);
    for (const Parameter& parameter : parameters_) {
      Random random(seed, "initial weights of " + parameter.name);
      T* values = weights.as<T>() + parameter.offset;
      for (std::int64_t i = 0; i < parameter.size(); ++i) {
        const Init& init = parameter.init;
        const double mean = init.mean_at ? init.mean_at(i) : init.mean;
        values[i] = static_cast<T>(mean + (init.std == 0 ? 0.0 : init.std * unit(random, init.uniform)));
      }
    }
  });
  return weights;
}

ParameterScope::ParameterScope(Parameters& parameters, std::string prefix)
    : parameters_(parameters), prefix_(std::move(prefix)) {}

ParameterId ParameterScope::add(const std::string& name, Shape shape, Init init, std::string layout) const {
  return parameters_.add(prefix_ + name, shape, std::move(init), std::move(layout));
}

ParameterScope ParameterScope::inside(const std::string& name) const {
  return {parameters_, prefix_ + name + "."};
}

}  // namespace seqbench
