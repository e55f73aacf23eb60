// mlstm, slstm and xlstm: every form and every split of a sequence is one function of the input, the weights
// and the state before, with one gradient.
#include "autograd/layout_ops.h"
#include "base/error.h"
#include "base/random.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 16;
constexpr std::int64_t kBatch = 2;
constexpr std::int64_t kTokensBefore = 5;

using Given = std::map<std::string, Value>;
using Pieces = std::vector<std::int64_t>;

// Layer 1 of 2, where xlstm has its sLSTM block.
std::unique_ptr<Mechanism> made(const std::string& name, const Given& given, Parameters& parameters,
                                std::int64_t layer = 1) {
  const MechanismEntry& entry = mechanisms().find(name, "test");
  return entry.make(Options(entry.options, given, "model.mixer"),
                    {.width = kWidth, .layers = 2, .layer = layer, .length = 64, .path = "model.mixer"},
                    ParameterScope(parameters, ""));
}

// One mechanism, an input, a state in which other tokens were read, and gradients of the output and of the
// state after.
template <class T>
class Subject {
 public:
  Subject(const std::string& name, const Given& given, std::int64_t length)
      : x(random_vector<T>(kBatch * length * kWidth, 1)),
        length_(length),
        mechanism_(made(name, given, parameters_)),
        weights_(parameters_.initial(7, dtype_of<T>)),
        state_(mechanism_->empty_state(kBatch, dtype_of<T>)) {
    draw_weights();
    read_before();
  }

  struct Result {
    std::vector<T> y, end, dx, d_weights;
    std::vector<std::vector<T>> d_start;
    double loss = 0;
  };
  // The sequence in pieces of these lengths, one after the other on one tape; pieces of one token by the
  // recurrent form.
  Result run(const Pieces& pieces, Form whole) {
    Gradients gradients(parameters_, dtype_of<T>);
    Arena arena;
    Tape tape(parameters_, weights_, &gradients, arena);
    const Tensor in = filled(tape, length_, x);
    TapeState state = recorded(tape, state_);
    const std::vector<StateTensor> before = state.parts;
    std::vector<Tensor> outputs;
    std::int64_t first = 0;
    for (const std::int64_t count : pieces) {
      outputs.push_back(mechanism_->forward(tape, slice_tokens(tape, in, first, count),
                                            count == 1 ? Form::recurrent : whole, &state));
      first += count;
    }
    const Tensor y = concat_tokens(tape, outputs);
    Result result;
    result.y = numbers(y.as<T>(), y);
    result.loss = seed(tape, y, 3);
    for (const StateTensor& part : state.parts) {
      const std::vector<T> end = numbers(part.value.as<T>(), part.value);
      result.end.insert(result.end.end(), end.begin(), end.end());
      result.loss += seed(tape, part.value, 4);
    }
    tape.backward();
    result.dx = numbers(tape.gradient<T>(in), in);
    for (const StateTensor& part : before) {
      const T* gradient = tape.gradient<T>(part.value);
      result.d_start.push_back(part.value.shape.size() == 0 ? std::vector<T>()
                                                            : numbers(gradient, part.value));
    }
    const T* d_weights = gradients.values().template as<T>();
    gradients.clear_unwritten();
    result.d_weights.assign(d_weights, d_weights + gradients.values().size());
    return result;
  }

  // Where numbers of the state, and of the weights, are.
  State& state() { return state_; }
  Buffer& weights() { return weights_; }
  const Parameters& parameters() const { return parameters_; }
  std::vector<T> x;

 private:
  // Matrices N(0, 1 / sqrt(fan in)), gains and biases 0.3 around their start.
  void draw_weights() {
    for (const Parameter& p : parameters_.all()) {
      Random random(1, "test.weights." + p.name);
      T* values = weights_.template as<T>() + p.offset;
      for (std::int64_t i = 0; i < p.size(); ++i) {
        const double drawn = p.decays() ? random.normal() / std::sqrt(static_cast<double>(p.shape[-2]))
                                        : static_cast<double>(values[i]) + 0.3 * random.normal();
        values[i] = static_cast<T>(static_cast<float>(drawn));
      }
    }
  }
  void read_before() {
    Arena arena;
    Tape tape(parameters_, weights_, nullptr, arena);
    extend(tape, *mechanism_,
           filled(tape, kTokensBefore, random_vector<T>(kBatch * kTokensBefore * kWidth, 2)), Form::recurrent,
           state_);
  }
  static Tensor filled(Tape& tape, std::int64_t length, const std::vector<T>& from) {
    const Tensor tensor = tape.make({kBatch, length, kWidth});
    std::copy(from.begin(), from.end(), tensor.as<T>());
    return tensor;
  }
  static std::vector<T> numbers(const T* data, const Tensor& t) { return {data, data + t.shape.size()}; }
  // Gives the output a random gradient: that of the loss returned.
  static double seed(Tape& tape, const Tensor& output, std::uint64_t key) {
    const auto gradient = random_vector<T>(output.shape.size(), key);
    const auto values = numbers(output.as<T>(), output);
    std::copy(gradient.begin(), gradient.end(), tape.sink<T>(output).data);
    return dot(converted<double>(values), converted<double>(gradient));
  }

  std::int64_t length_;
  Parameters parameters_;
  std::unique_ptr<Mechanism> mechanism_;
  Buffer weights_;
  State state_;
};

template <class F>
void for_each_setting(const F& f) {
  for (const std::string name : {"mlstm", "slstm", "xlstm"}) {
    CAPTURE(name);
    std::vector<Given> settings = mechanisms().find(name, "test").variants;
    settings.push_back({});
    for (std::size_t i = 0; i < settings.size(); ++i) {
      CAPTURE(i);
      f(name, settings[i]);
    }
  }
}

// By central differences over every `stride`-th of `count` numbers at `data`, and the same of `exact`.
template <class F>
double gradient_error(double* data, std::int64_t count, std::int64_t stride, const double* exact,
                      const F& f) {
  std::vector<double> numeric;
  std::vector<double> chosen;
  for (std::int64_t i = 0; i < count; i += stride) {
    std::vector<double> element = {data[i]};
    const auto loss = [&] {
      data[i] = element[0];
      return f();
    };
    numeric.push_back(numeric_gradient(element, loss)[0]);
    data[i] = element[0];
    chosen.push_back(exact[i]);
  }
  return max_error(chosen, numeric);
}

TEST_CASE("xlstm: gradients through a split state in f64 match finite differences") {
  for_each_setting([](const std::string& name, const Given& given) {
    Subject<double> subject(name, given, 8);
    const Pieces pieces = {4, 1, 3};
    const auto loss = [&] { return subject.run(pieces, Form::chunkwise).loss; };
    const auto got = subject.run(pieces, Form::chunkwise);
    CHECK(gradient_error(subject.x.data(), kBatch * 8 * kWidth, 3, got.dx.data(), loss) < 1e-6);
    for (std::size_t i = 0; i < got.d_start.size(); ++i) {
      CAPTURE(i);
      Buffer& values = subject.state().parts[i].values;
      CHECK(gradient_error(values.as<double>(), values.size(), 3, got.d_start[i].data(), loss) < 1e-6);
    }
    for (const Parameter& p : subject.parameters().all()) {
      CAPTURE(p.name);
      double* weights = subject.weights().as<double>() + p.offset;
      CHECK(gradient_error(weights, p.size(), 7, got.d_weights.data() + p.offset, loss) < 1e-6);
    }
  });
}

// Norms over heads of 4 or 8 numbers magnify roundings, most of all in gradients: in f64, weights that are
// off by half a digit of f32 move dx by up to 5e-4 here.
TEST_CASE("xlstm: in f32, every form and split agrees with f64 in outputs, state and gradients") {
  for_each_setting([](const std::string& name, const Given& given) {
    const std::int64_t length = 70;
    const auto expected = Subject<double>(name, given, length).run({length}, Form::chunkwise);
    REQUIRE(norm(expected.y) > 0.1);
    for (const Form form : {Form::chunkwise, Form::parallel}) {
      for (const Pieces& pieces : {Pieces{length}, Pieces{1, 69}, Pieces{40, 30}, Pieces(70, 1)}) {
        CAPTURE(pieces.size());
        const auto got = Subject<float>(name, given, length).run(pieces, form);
        CHECK(max_error(got.y, expected.y) < 1e-5);
        CHECK(max_error(got.end, expected.end) < 1e-5);
        CHECK(max_error(got.dx, expected.dx) < 5e-4);
        CHECK(max_error(got.d_weights, expected.d_weights) < 5e-4);
      }
    }
  });
}

TEST_CASE("xlstm: layers are of both kinds from two on, in the ratio that is asked for") {
  const auto kinds = [](std::int64_t mlstm, std::int64_t slstm) {
    std::string found;
    for (std::int64_t layer = 0; layer < 9; ++layer) {
      Parameters parameters;
      made("xlstm", {{"mlstm", mlstm}, {"slstm", slstm}}, parameters, layer);
      const bool has_r = std::ranges::find(parameters.all(), "r", &Parameter::name) != parameters.all().end();
      found += has_r ? 's' : 'm';
    }
    return found;
  };
  CHECK(kinds(7, 1) == "msmmmmmmm");
  CHECK(kinds(1, 1) == "msmsmsmsm");
  CHECK(kinds(2, 2) == "mssmmssmm");
  CHECK(kinds(1, 0) == "mmmmmmmmm");
  CHECK(kinds(0, 3) == "sssssssss");
}

TEST_CASE("xlstm: options that do not fit are refused by name") {
  Parameters parameters;
  CHECK_THROWS_WITH_AS(made("mlstm", {{"heads", std::int64_t{5}}}, parameters),
                       doctest::Contains("model.mixer.heads"), Error);
  CHECK_THROWS_WITH_AS(made("slstm", {{"heads", std::int64_t{5}}}, parameters),
                       doctest::Contains("model.mixer.heads"), Error);
  CHECK_THROWS_WITH_AS(made("xlstm", {{"mlstm", std::int64_t{0}}, {"slstm", std::int64_t{0}}}, parameters),
                       doctest::Contains("model.mixer.mlstm"), Error);
}

}  // namespace
}  // namespace seqbench::test
