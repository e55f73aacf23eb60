// The states of sparse_k and top_k: what they hold, and gradients through them.
#include <map>

#include "autograd/layout_ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kBatch = 2;
using Given = std::map<std::string, Value>;

// A mechanism of width 8 in f64, with large weights. w_score is left near its start of 1 / sqrt(width), so
// that gates are neither all open nor all shut.
class Subject {
 public:
  Subject(const std::string& name, const Given& given)
      : entry_(mechanisms().find(name, "test")),
        mechanism_(entry_.make(Options(entry_.options, given, "mixer"),
                               {.width = kWidth, .layers = 1, .length = 64, .path = "mixer"},
                               ParameterScope(parameters_, ""))),
        weights_(parameters_.initial(3, DType::f64)) {
    for (const Parameter& p : parameters_.all()) {
      const double factor = p.name == "w_score" ? 1.5 : 20;
      for (std::int64_t i = 0; i < p.size(); ++i) weights_.as<double>()[p.offset + i] *= factor;
    }
  }

  // The state after `length` random tokens, every number then moved a little: gradients hold there too.
  State state_after(std::int64_t length, double moved) const {
    State state = mechanism_->empty_state(kBatch, DType::f64);
    Arena arena;
    Tape tape(parameters_, weights_, nullptr, arena);
    const auto x = random_vector<double>(kBatch * length * kWidth, 21);
    const Tensor in = tape.make({kBatch, length, kWidth});
    std::copy(x.begin(), x.end(), in.as<double>());
    seqbench::extend(tape, *mechanism_, in, entry_.forms.front(), state);
    std::uint64_t seed = 30;
    for (State::Part& part : state.parts) {
      const auto noise = random_vector<double>(part.values.size(), ++seed, moved);
      for (std::int64_t i = 0; i < part.values.size(); ++i)
        part.values.as<double>()[i] += noise[static_cast<std::size_t>(i)];
    }
    return state;
  }

  struct Result {
    double loss = 0;
    std::vector<double> y, dx, d_weights;
    std::vector<std::vector<double>> end, d_start;  // by part of the state
  };
  // Of <y, dy> + <state after, d_after>, with x read in pieces through one recorded tape.
  Result run(const std::vector<double>& x, const State& start, const std::vector<std::int64_t>& pieces) {
    Gradients gradients(parameters_, DType::f64);
    Arena arena;
    Tape tape(parameters_, weights_, &gradients, arena);
    const Tensor in = tape.make({kBatch, static_cast<std::int64_t>(x.size()) / kBatch / kWidth, kWidth});
    std::copy(x.begin(), x.end(), in.as<double>());
    TapeState state = recorded(tape, start);
    state.tokens = start.tokens;
    const TapeState before = state;
    std::vector<Tensor> outputs;
    std::int64_t first = 0;
    for (const std::int64_t count : pieces) {
      const Tensor piece = slice_tokens(tape, in, first, count);
      outputs.push_back(mechanism_->forward(tape, piece, entry_.forms.front(), &state));
      state.tokens += count;
      first += count;
    }
    const Tensor y = concat_tokens(tape, outputs);
    Result result;
    result.y = seed(tape, y, 40, result.loss);
    for (const StateTensor& part : state.parts)
      result.end.push_back(seed(tape, part.value, 41 + result.end.size(), result.loss));
    tape.backward();
    result.dx = gradient_of(tape, in);
    for (const StateTensor& part : before.parts) result.d_start.push_back(gradient_of(tape, part.value));
    gradients.clear_unwritten();
    const double* dw = gradients.values().as<double>();
    result.d_weights.assign(dw, dw + gradients.values().size());
    return result;
  }
  Buffer& weights() { return weights_; }
  const Parameters& parameters() const { return parameters_; }
  const Mechanism& mechanism() const { return *mechanism_; }

 private:
  static std::vector<double> seed(Tape& tape, const Tensor& t, std::uint64_t key, double& loss) {
    const auto d = random_vector<double>(t.shape.size(), key);
    std::copy(d.begin(), d.end(), tape.sink<double>(t).data);
    std::vector<double> values(t.as<double>(), t.as<double>() + t.shape.size());
    loss += dot(values, d);
    return values;
  }
  static std::vector<double> gradient_of(Tape& tape, const Tensor& t) {
    const double* d = tape.gradient<double>(t);
    return {d, d + t.shape.size()};
  }

  Parameters parameters_;
  const MechanismEntry& entry_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;
};

struct Case {
  std::string name;
  Given given;
};
const std::vector<Case> kCases = {
    {"top_k", {{"heads", std::int64_t{2}}, {"k", std::int64_t{3}}}},
    {"sparse_k", {{"heads", std::int64_t{2}}, {"k", std::int64_t{3}}, {"window", std::int64_t{2}}}},
    {"sparse_k",
     {{"heads", std::int64_t{2}},
      {"k", std::int64_t{2}},
      {"window", std::int64_t{1}},
      {"gate", std::string("key_value")},
      {"slope", 0.1}}},
    {"sparse_k",
     {{"heads", std::int64_t{4}},
      {"kv_heads", std::int64_t{2}},
      {"k", std::int64_t{4}},
      {"window", std::int64_t{3}},
      {"slope", 0.0}}}};

TEST_CASE("sparse attention: gradients through a carried state match finite differences") {
  for (const Case& one : kCases) {
    for (const std::int64_t before : {1, 4, 15}) {
      CAPTURE(one.name);
      CAPTURE(one.given.size());
      CAPTURE(before);
      Subject subject(one.name, one.given);
      auto x = random_vector<double>(kBatch * 9 * kWidth, 22);
      State start = subject.state_after(before, 1.0);
      const auto loss = [&] { return subject.run(x, start, {9}).loss; };
      const Subject::Result got = subject.run(x, start, {9});
      CHECK(max_error(got.dx, numeric_gradient(x, loss)) < 1e-6);
      for (std::size_t p = 0; p < start.parts.size(); ++p) {
        CAPTURE(start.parts[p].name);
        double* numbers = start.parts[p].values.as<double>();
        std::vector<double> numeric;
        for (std::int64_t i = 0; i < start.parts[p].values.size(); ++i) {
          std::vector<double> element = {numbers[i]};
          const auto at_element = [&] {
            numbers[i] = element[0];
            return loss();
          };
          numeric.push_back(numeric_gradient(element, at_element)[0]);
          at_element();
        }
        REQUIRE(norm(got.d_start[p]) > 1e-4);
        CHECK(max_error(got.d_start[p], numeric) < 1e-6);
      }
      for (const Parameter& parameter : subject.parameters().all()) {
        CAPTURE(parameter.name);
        double* numbers = subject.weights().as<double>() + parameter.offset;
        std::vector<double> numeric, exact;
        for (std::int64_t i = 0; i < parameter.size(); i += 3) {
          std::vector<double> element = {numbers[i]};
          const auto at_element = [&] {
            numbers[i] = element[0];
            return loss();
          };
          numeric.push_back(numeric_gradient(element, at_element)[0]);
          at_element();
          exact.push_back(got.d_weights[static_cast<std::size_t>(parameter.offset + i)]);
        }
        CHECK(max_error(exact, numeric) < 1e-6);
      }
    }
  }
}

TEST_CASE("sparse attention: any split gives the same outputs, state and gradients") {
  for (const Case& one : kCases) {
    for (const std::int64_t before : {0, 3, 30}) {
      CAPTURE(one.name);
      CAPTURE(one.given.size());
      CAPTURE(before);
      Subject subject(one.name, one.given);
      const auto x = random_vector<double>(kBatch * 40 * kWidth, 23);
      const State start = before == 0 ? subject.mechanism().empty_state(kBatch, DType::f64)
                                      : subject.state_after(before, 1.0);
      const Subject::Result whole = subject.run(x, start, {40});
      for (const auto& pieces : {std::vector<std::int64_t>(40, 1), {1, 39}, {13, 27}, {39, 1}}) {
        CAPTURE(pieces.size());
        CAPTURE(pieces[0]);
        const Subject::Result split = subject.run(x, start, pieces);
        CHECK(max_error(split.y, whole.y) < 1e-12);
        CHECK(max_error(split.dx, whole.dx) < 1e-10);
        CHECK(max_error(split.d_weights, whole.d_weights) < 1e-10);
        for (std::size_t p = 0; p < whole.end.size(); ++p) {
          CAPTURE(p);
          CHECK(max_error(split.end[p], whole.end[p]) < 1e-12);
          CHECK(max_error(split.d_start[p], whole.d_start[p]) < 1e-10);
        }
      }
    }
  }
}

TEST_CASE("sparse_k: the state does not grow with what was read") {
  const Subject subject("sparse_k",
                        {{"heads", std::int64_t{2}}, {"k", std::int64_t{6}}, {"window", std::int64_t{4}}});
  for (const std::int64_t length : {20, 200, 800}) {
    const State state = subject.state_after(length, 0);
    CHECK(state.parts[0].shape == Shape{10, kBatch, kWidth});
    CHECK(state.parts[1].shape == Shape{10, kBatch, kWidth});
    const std::int64_t outside = state.parts[2].shape[0] - 10;
    CHECK(outside > 0);
    CHECK(outside <= 12);
    CHECK(state.parts[3].shape == state.parts[2].shape);
  }
}

TEST_CASE("sparse_k: selecting more tokens than a sequence has is an error, and says so") {
  CHECK_THROWS_WITH_AS(
      Subject("sparse_k", {{"k", std::int64_t{65}}}),
      "mixer.k: expected at most the 64 tokens of a training sequence, got 65: no query could "
      "select that many.",
      Error);
  CHECK_THROWS_WITH_AS(Subject("sparse_k", {{"kv_heads", std::int64_t{3}}}),
                       "mixer.kv_heads: expected a divisor of the 4 heads, got 3.", Error);
}

}  // namespace
}  // namespace seqbench::test
