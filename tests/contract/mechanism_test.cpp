// What every registered mechanism must hold to, with its options at their defaults: no list to keep.
#include <doctest/doctest.h>

#include <cmath>
#include <string>

#include "base/random.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 16;

// One mechanism with weights of spread 0.1 to 1 around their mean, so that gates and scores are far from
// linear.
class Subject {
 public:
  Subject(const MechanismEntry& entry, DType type)
      : mechanism_(entry.make(Options(entry.options, {}, "model.mixer"),
                              {.width = kWidth, .layers = 1, .length = 64, .path = "model.mixer"},
                              ParameterScope(parameters_, ""))),
        form_(entry.forms.front()),
        weights_(parameters_.initial(7, type)) {
    visit(type, [&](auto zero) {
      using T = decltype(zero);
      for (const Parameter& parameter : parameters_.all()) {
        const float scale = parameter.init.std > 0.1 ? 1.0F : 10.0F;  // more than 1 makes a cell chaotic
        const auto mean = static_cast<float>(parameter.init.mean);
        T* w = weights_.as<T>() + parameter.offset;
        for (std::int64_t i = 0; i < parameter.size(); ++i) {
          w[i] = static_cast<T>(mean + (static_cast<float>(w[i]) - mean) * scale);
        }
      }
    });
  }
  const Mechanism& mechanism() const { return *mechanism_; }
  const Parameters& parameters() const { return parameters_; }
  Buffer& weights() { return weights_; }

  // y of x[batch, length, kWidth], in the training form.
  template <class T>
  std::vector<T> forward(const std::vector<T>& x, std::int64_t batch) {
    Arena arena;
    Tape tape(parameters_, weights_, nullptr, arena);
    const Tensor y = mechanism_->forward(tape, input(tape, x, batch), form_, nullptr);
    return {y.as<T>(), y.as<T>() + y.shape.size()};
  }

  // y of x read in pieces of these lengths, through a state.
  template <class T>
  std::vector<T> extend(const std::vector<T>& x, std::int64_t batch, const std::vector<std::int64_t>& pieces,
                        State& state) {
    const std::int64_t length = static_cast<std::int64_t>(x.size()) / batch / kWidth;
    std::vector<T> y(x.size());
    std::int64_t first = 0;
    for (const std::int64_t count : pieces) {
      std::vector<T> part;
      for (std::int64_t b = 0; b < batch; ++b) {
        const auto at = x.begin() + (b * length + first) * kWidth;
        part.insert(part.end(), at, at + count * kWidth);
      }
      Arena arena;
      Tape tape(parameters_, weights_, nullptr, arena);
      const Tensor out = seqbench::extend(tape, *mechanism_, input(tape, part, batch), form_, state);
      for (std::int64_t b = 0; b < batch; ++b) {
        std::copy_n(out.as<T>() + b * count * kWidth, count * kWidth,
                    y.begin() + (b * length + first) * kWidth);
      }
      first += count;
    }
    return y;
  }

  struct Gradient {
    double loss = 0;
    std::vector<double> weights;
    std::vector<double> x;
  };
  // Of <y, dy>. No operation made x, so the tape leaves its gradient where it is.
  template <class T>
  Gradient gradient(const std::vector<T>& x, const std::vector<T>& dy, std::int64_t batch) {
    Gradients gradients(parameters_, dtype_of<T>);
    Arena arena;
    Tape tape(parameters_, weights_, &gradients, arena);
    const Tensor in = input(tape, x, batch);
    const Tensor y = mechanism_->forward(tape, in, form_, nullptr);
    Gradient result;
    for (std::size_t i = 0; i < dy.size(); ++i) result.loss += static_cast<double>(y.as<T>()[i] * dy[i]);
    std::copy(dy.begin(), dy.end(), tape.sink<T>(y).data);
    tape.backward();
    const T* dx = tape.gradient<T>(in);
    result.x.assign(dx, dx + x.size());
    gradients.clear_unwritten();
    const T* dw = gradients.values().as<T>();
    result.weights.assign(dw, dw + gradients.values().size());
    return result;
  }

 private:
  template <class T>
  static Tensor input(Tape& tape, const std::vector<T>& x, std::int64_t batch) {
    const Tensor in = tape.make({batch, static_cast<std::int64_t>(x.size()) / batch / kWidth, kWidth});
    std::copy(x.begin(), x.end(), in.as<T>());
    return in;
  }

  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Form form_;
  Buffer weights_;
};

template <class F>
void for_each_mechanism(const F& f) {
  REQUIRE(mechanisms().all().size() >= 3);
  for (const MechanismEntry& entry : mechanisms().all()) {
    CAPTURE(entry.name);
    f(entry);
  }
}

template <class T>
std::vector<T> tokens_of(const std::vector<T>& x, std::int64_t first, std::int64_t count) {
  return {x.begin() + first * kWidth, x.begin() + (first + count) * kWidth};
}

TEST_CASE("mechanisms: gradients in f64 match finite differences") {
  for_each_mechanism([](const MechanismEntry& entry) {
    Subject subject(entry, DType::f64);
    auto x = random_vector<double>(2 * 7 * kWidth, 1);
    const auto dy = random_vector<double>(2 * 7 * kWidth, 2);
    const auto loss = [&] { return subject.gradient(x, dy, 2).loss; };
    const Subject::Gradient got = subject.gradient(x, dy, 2);
    REQUIRE(norm(got.x) > 1e-4);
    CHECK(max_error(got.x, numeric_gradient(x, loss, 1e-5)) < 1e-6);
    for (const Parameter& parameter : subject.parameters().all()) {
      CAPTURE(parameter.name);
      std::vector<double> numeric;
      for (std::int64_t i = 0; i < parameter.size(); i += 5) {
        std::vector<double> element = {subject.weights().as<double>()[parameter.offset + i]};
        const auto at_element = [&] {
          subject.weights().as<double>()[parameter.offset + i] = element[0];
          return loss();
        };
        numeric.push_back(numeric_gradient(element, at_element, 1e-5)[0]);
        at_element();
      }
      std::vector<double> exact;
      for (std::int64_t i = 0; i < parameter.size(); i += 5) {
        exact.push_back(got.weights[static_cast<std::size_t>(parameter.offset + i)]);
      }
      REQUIRE(norm(exact) > 1e-6);
      CHECK(max_error(exact, numeric) < 1e-6);
    }
  });
}

TEST_CASE(
    "mechanisms: f32 agrees with f64 in outputs and gradients, at odd lengths and on every instruction set") {
  for_each_target([] {
    for_each_mechanism([](const MechanismEntry& entry) {
      Subject f32(entry, DType::f32);
      Subject f64(entry, DType::f64);
      for (const std::int64_t length : {1, 7, 63, 65, 130}) {
        CAPTURE(length);
        const auto x = random_vector<float>(2 * length * kWidth, 3);
        const auto dy = random_vector<float>(2 * length * kWidth, 4);
        const auto expected = f64.forward(converted<double>(x), 2);
        REQUIRE(norm(expected) > 1e-3);
        // Three products of width 16 and a sum over the length, each good to a few ulp.
        const double tolerance = 64 * kFloatEps * std::sqrt(static_cast<double>(length));
        CHECK(max_error(f32.forward(x, 2), expected) < tolerance);
        const auto reference = f64.gradient(converted<double>(x), converted<double>(dy), 2);
        const auto got = f32.gradient(x, dy, 2);
        CHECK(max_error(got.x, reference.x) < 8 * tolerance);
        CHECK(max_error(got.weights, reference.weights) < 8 * tolerance);
      }
    });
  });
}

TEST_CASE("mechanisms: no output sees the future") {
  for_each_mechanism([](const MechanismEntry& entry) {
    Subject subject(entry, DType::f32);
    const auto x = random_vector<float>(70 * kWidth, 5);
    const auto y = subject.forward(x, 1);
    for (const std::int64_t changed : {1, 31, 32, 64, 69}) {
      auto other = x;
      for (std::int64_t c = 0; c < kWidth; ++c) other[static_cast<std::size_t>(changed * kWidth + c)] += 1.0F;
      const auto after = subject.forward(other, 1);
      CHECK(tokens_of(after, 0, changed) == tokens_of(y, 0, changed));
      CHECK(max_difference(tokens_of(after, changed, 1), tokens_of(y, changed, 1)) > 1e-4);
    }
  });
}

TEST_CASE("mechanisms: decoding token by token, and any split of a prefill, equal the training form") {
  for_each_mechanism([](const MechanismEntry& entry) {
    Subject subject(entry, DType::f32);
    const std::int64_t length = 67;
    const auto x = random_vector<float>(2 * length * kWidth, 6);
    const auto y = subject.forward(x, 2);
    const std::vector<std::vector<std::int64_t>> splits = {
        std::vector<std::int64_t>(static_cast<std::size_t>(length), 1), {length}, {1, 66}, {40, 27}, {66, 1}};
    for (const auto& split : splits) {
      State state = subject.mechanism().empty_state(2, DType::f32);
      CHECK(max_error(subject.extend(x, 2, split, state), y) < 1e-5);
      CHECK(state.bytes() > 0);
    }
  });
}

TEST_CASE("mechanisms: rows of a batch do not touch") {
  for_each_mechanism([](const MechanismEntry& entry) {
    Subject subject(entry, DType::f32);
    const auto x = random_vector<float>(3 * 35 * kWidth, 8);
    const auto together = subject.forward(x, 3);
    const auto alone = subject.forward(tokens_of(x, 35, 35), 1);
    CHECK(max_error(tokens_of(together, 35, 35), alone) < 16 * kFloatEps);
  });
}

TEST_CASE("mechanisms: the decode state holds what the registry's formula says") {
  const auto bytes = [](const std::string& name, std::int64_t tokens) {
    Subject subject(mechanisms().find(name, "test"), DType::f32);
    State state = subject.mechanism().empty_state(1, DType::f32);
    subject.extend(random_vector<float>(tokens * kWidth, 9), 1, {tokens}, state);
    return state.bytes();
  };
  for (const std::int64_t tokens : {1, 50}) {
    CHECK(bytes("softmax", tokens) == 4 * 2 * tokens * kWidth);
    CHECK(bytes("linear", tokens) == 4 * kWidth * (kWidth / 4 + 1));
    CHECK(bytes("min_gru", tokens) == 4 * kWidth);
  }
}

}  // namespace
}  // namespace seqbench::test
