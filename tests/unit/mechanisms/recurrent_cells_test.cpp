// minGRU, minLSTM, LSTM and GRU through a recorded state: gradients of what comes before it and after.
#include <algorithm>

#include "autograd/layout_ops.h"
#include "autograd/ops.h"
#include "autograd/scan_ops.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 6, kBatch = 2, kLength = 7;

struct Result {
  double loss = 0;
  std::vector<double> dx, d_state, d_weights;
};

class Subject {
 public:
  Subject(const MechanismEntry& entry, const std::map<std::string, Value>& options)
      : mechanism_(entry.make(Options(entry.options, options, "test"),
                              {.width = kWidth, .layers = 1, .length = kLength, .path = "test"},
                              ParameterScope(parameters_, ""))),
        weights_(parameters_.initial(3, DType::f64)),
        x(random_vector<double>(kBatch * kLength * kWidth, 1)),
        dy(random_vector<double>(kBatch * kLength * kWidth, 2)),
        state(mechanism_->empty_state(kBatch, DType::f64)) {
    for (std::int64_t i = 0; i < weights_.size(); ++i) weights_.as<double>()[i] *= 5;
    // Both signs: a state given from outside need not be one the mechanism reaches.
    std::ranges::copy(random_vector<double>(state_size(), 4), values());
    d_end = random_vector<double>(state_size(), 5);
  }
  std::int64_t state_size() const { return state.parts[0].shape.size(); }
  double* values() { return state.parts[0].values.as<double>(); }

  // Of <y, dy> + <state after, d_end>, over x read in pieces.
  Result run(Form form, const std::vector<std::int64_t>& pieces) {
    Gradients gradients(parameters_, DType::f64);
    Arena arena;
    Tape tape(parameters_, weights_, &gradients, arena);
    const Tensor in = tape.make({kBatch, kLength, kWidth});
    std::ranges::copy(x, in.as<double>());
    TapeState on_tape = recorded(tape, state);
    const Tensor before = on_tape.parts[0].value;
    std::vector<Tensor> parts;
    std::int64_t first = 0;
    for (const std::int64_t count : pieces) {
      parts.push_back(mechanism_->forward(tape, slice_tokens(tape, in, first, count), form, &on_tape));
      first += count;
    }
    const Tensor y = concat_tokens(tape, parts);
    const Tensor after = on_tape.parts[0].value;
    Result result;
    result.loss = dot({y.as<double>(), y.as<double>() + dy.size()}, dy) +
                  dot({after.as<double>(), after.as<double>() + d_end.size()}, d_end);
    std::ranges::copy(dy, tape.sink<double>(y).data);
    std::ranges::copy(d_end, tape.sink<double>(after).data);
    tape.backward();
    const double* dx = tape.gradient<double>(in);
    const double* d_before = tape.gradient<double>(before);
    gradients.clear_unwritten();
    const double* dw = gradients.values().as<double>();
    result.dx.assign(dx, dx + x.size());
    result.d_state.assign(d_before, d_before + d_end.size());
    result.d_weights.assign(dw, dw + gradients.values().size());
    return result;
  }

 private:
  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;

 public:
  std::vector<double> x, dy, d_end;
  State state;
};

template <class F>
void for_each_setting(const F& f) {
  for (const std::string name : {"min_gru", "min_lstm", "lstm", "gru"}) {
    const MechanismEntry& entry = mechanisms().find(name, "test");
    auto settings = entry.variants;
    settings.push_back({});
    for (const auto& options : settings) {
      for (const Form form : entry.forms) {
        const std::string form_name = name_of(form);
        CAPTURE(name);
        CAPTURE(form_name);
        Subject subject(entry, options);
        f(subject, form);
      }
    }
  }
}

TEST_CASE("recurrent cells: gradients through a state split anywhere are those of the whole") {
  for_each_setting([](Subject& subject, Form form) {
    const Result whole = subject.run(Form::recurrent, {kLength});
    for (const std::vector<std::int64_t>& pieces :
         {std::vector<std::int64_t>{3, 4}, {1, 6}, {1, 1, 1, 1, 1, 1, 1}}) {
      const Result split = subject.run(form, pieces);
      CHECK(split.loss == doctest::Approx(whole.loss).epsilon(1e-12));
      CHECK(max_error(split.dx, whole.dx) < 1e-12);
      CHECK(max_error(split.d_state, whole.d_state) < 1e-12);
      CHECK(max_error(split.d_weights, whole.d_weights) < 1e-12);
    }
  });
}

TEST_CASE("recurrent cells: gradients of x and of the state before match finite differences") {
  for_each_setting([](Subject& subject, Form form) {
    const Result exact = subject.run(form, {kLength});
    const auto loss = [&] { return subject.run(form, {3, 4}).loss; };
    CHECK(max_error(exact.dx, numeric_gradient(subject.x, loss)) < 1e-7);
    std::vector<double> start(subject.values(), subject.values() + subject.state_size());
    const auto from_start = [&] {
      std::ranges::copy(start, subject.values());
      return loss();
    };
    CHECK(max_error(exact.d_state, numeric_gradient(start, from_start)) < 1e-7);
  });
}

TEST_CASE("scan operations: inputs that other operations use too get all of their gradient") {
  const Parameters parameters;
  const Buffer none(0, DType::f64);
  Gradients gradients(parameters, DType::f64);
  auto x = random_vector<double>(2 * 5 * 3, 1);
  const auto dy = random_vector<double>(2 * 5 * 3, 2);
  std::vector<double> dx;
  const auto loss = [&] {
    Arena arena;
    Tape tape(parameters, none, &gradients, arena);
    const Tensor a = tape.make({2, 5, 3});
    std::ranges::copy(x, a.as<double>());
    const Tensor h = gated_scan(tape, a, a, Candidate::positive, ScanOrder::sequential, nullptr);
    const Tensor odds = log_odds(tape, h, multiply(tape, a, a));
    const Tensor out = add(tape, multiply(tape, log_odds(tape, a, odds), log_odds(tape, odds, a)), h);
    std::ranges::copy(dy, tape.sink<double>(out).data);
    const double sum = dot({out.as<double>(), out.as<double>() + dy.size()}, dy);
    tape.backward();
    dx.assign(tape.gradient<double>(a), tape.gradient<double>(a) + x.size());
    return sum;
  };
  loss();
  const std::vector<double> exact = dx;
  CHECK(max_error(exact, numeric_gradient(x, loss)) < 1e-7);
}

}  // namespace
}  // namespace seqbench::test
