// Softmax and sigmoid attention in f64, with every option: against their equations written out over a cache
// of slots, and across splits, with gradients through the state.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "autograd/layout_ops.h"
#include "base/error.h"
#include "mechanism/mechanism.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

using Given = std::map<std::string, Value>;
using Numbers = std::vector<double>;

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kBatch = 2;
constexpr std::int64_t kLength = 13;

struct Case {
  std::string name;
  Given given;
};

Value n(std::int64_t value) { return value; }

// Windows that are full after a third of the sequence; the sinks are the first two tokens.
std::vector<Case> cases() {
  return {
      {"softmax", {}},
      {"softmax", {{"heads", n(4)}, {"kv_heads", n(2)}, {"position", "rope"}}},
      {"softmax", {{"heads", n(2)}, {"kv_heads", n(1)}, {"position", "alibi"}}},
      {"softmax", {{"heads", n(2)}, {"window", n(1)}}},
      {"softmax", {{"heads", n(2)}, {"window", n(3)}, {"position", "rope"}}},
      {"softmax", {{"heads", n(2)}, {"window", n(3)}, {"sinks", n(2)}}},
      {"softmax", {{"heads", n(2)}, {"window", n(3)}, {"sinks", n(2)}, {"position", "rope"}}},
      {"softmax", {{"heads", n(2)}, {"window", n(3)}, {"sinks", n(2)}, {"position", "alibi"}}},
      {"softmax", {{"heads", n(2)}, {"window", n(1)}, {"sinks", n(2)}, {"position", "rope"}}},
      {"softmax",
       {{"heads", n(2)},
        {"kv_heads", n(1)},
        {"window", n(3)},
        {"sinks", n(2)},
        {"position", "rope"},
        {"qk_norm", true}}},
      {"sigmoid", {{"bias_length", n(5)}}},
      {"sigmoid", {{"heads", n(4)}, {"kv_heads", n(1)}, {"position", "rope"}, {"qk_norm", true}}},
      {"sigmoid", {{"heads", n(2)}, {"position", "alibi"}, {"window", n(4)}}},
  };
}

// One mechanism with weights of spread 0.5, its gains around 1.
class Subject {
 public:
  explicit Subject(const Case& subject)
      : options(mechanisms().find(subject.name, "test").options, subject.given, "model.mixer"),
        softmax(subject.name == "softmax"),
        mechanism(mechanisms()
                      .find(subject.name, "test")
                      .make(options, {.width = kWidth, .length = 64, .path = "model.mixer"},
                            ParameterScope(parameters, ""))),
        weights(parameters.initial(7, DType::f64)) {
    const Numbers noise = random_vector<double>(weights.size(), 11, 0.5);
    for (std::size_t i = 0; i < noise.size(); ++i) weights.as<double>()[i] += noise[i];
  }
  const double* weight(const std::string& name) const {
    const auto found = std::ranges::find(parameters.all(), name, &Parameter::name);
    REQUIRE(found != parameters.all().end());
    return weights.as<double>() + found->offset;
  }

  Parameters parameters;
  Options options;
  bool softmax;
  std::unique_ptr<Mechanism> mechanism;
  Buffer weights;
};

Tensor on_tape(Tape& tape, const Numbers& x) {
  const Tensor in = tape.make({kBatch, static_cast<std::int64_t>(x.size()) / kBatch / kWidth, kWidth});
  std::ranges::copy(x, in.as<double>());
  return in;
}

Numbers forward(const Subject& s, const Numbers& x) {
  Arena arena;
  Tape tape(s.parameters, s.weights, nullptr, arena);
  const Tensor y = s.mechanism->forward(tape, on_tape(tape, x), Form::parallel, nullptr);
  return {y.as<double>(), y.as<double>() + y.shape.size()};
}

// Attention as its papers define it, one sequence and one token at a time. Keys stay as they were projected;
// positions are places in a cache that holds the sinks and the last `window` tokens.
class Equations {
 public:
  explicit Equations(const Subject& s)
      : s_(s),
        heads_(s.options.integer("heads")),
        kv_heads_(s.options.integer("kv_heads") == 0 ? heads_ : s.options.integer("kv_heads")),
        dim_(kWidth / heads_),
        window_(s.options.integer("window")),
        sinks_(s.softmax ? s.options.integer("sinks") : 0),
        position_(s.options.text("position")) {}

  // y[length, kWidth] of x[length, kWidth].
  Numbers operator()(const double* x, std::int64_t length) const {
    Numbers y;
    std::vector<Numbers> keys, values;
    for (std::int64_t i = 0; i < length; ++i) {
      keys.push_back(normed(times(x + i * kWidth, "wk", kv_heads_ * dim_), "k_norm"));
      values.push_back(times(x + i * kWidth, "wv", kv_heads_ * dim_));
      if (window_ > 0 && static_cast<std::int64_t>(keys.size()) > sinks_ + window_) {
        keys.erase(keys.begin() + sinks_);
        values.erase(values.begin() + sinks_);
      }
      const Numbers o = read(normed(times(x + i * kWidth, "wq", kWidth), "q_norm"), keys, values);
      const Numbers out = times(o.data(), "wo", kWidth);
      y.insert(y.end(), out.begin(), out.end());
    }
    return y;
  }

 private:
  Numbers times(const double* x, const std::string& name, std::int64_t width) const {
    const double* w = s_.weight(name);
    Numbers y(static_cast<std::size_t>(width));
    for (std::int64_t r = 0; r < kWidth; ++r) {
      for (std::int64_t c = 0; c < width; ++c) y[static_cast<std::size_t>(c)] += x[r] * w[r * width + c];
    }
    return y;
  }
  Numbers normed(Numbers x, const std::string& name) const {
    if (!s_.options.flag("qk_norm")) return x;
    const double* gain = s_.weight(name + ".gain");
    const double* bias = s_.weight(name + ".bias");
    for (auto head = x.begin(); head != x.end(); head += dim_) {
      double mean = 0, square = 0;
      for (std::int64_t c = 0; c < dim_; ++c) mean += head[c] / static_cast<double>(dim_);
      for (std::int64_t c = 0; c < dim_; ++c) {
        square += (head[c] - mean) * (head[c] - mean) / static_cast<double>(dim_);
      }
      for (std::int64_t c = 0; c < dim_; ++c) {
        head[c] = (head[c] - mean) / std::sqrt(square + 1e-5) * gain[c] + bias[c];
      }
    }
    return x;
  }
  // Columns m and m + dim / 2 of a head, turned by the angle of its slot.
  std::pair<double, double> turned(const double* x, std::int64_t m, std::int64_t slot) const {
    const double exponent = -2.0 * static_cast<double>(m) / static_cast<double>(dim_);
    const double angle = position_ == "rope" ? static_cast<double>(slot) * std::pow(10000.0, exponent) : 0;
    const double a = x[m], b = x[m + dim_ / 2];
    return {a * std::cos(angle) - b * std::sin(angle), a * std::sin(angle) + b * std::cos(angle)};
  }
  // Of head h, of the query in the slot `last` and the key in slot j.
  double score(const double* q, const double* k, std::int64_t h, std::int64_t j, std::int64_t last) const {
    double sum = 0;
    for (std::int64_t m = 0; m < dim_ / 2; ++m) {
      const auto [q1, q2] = turned(q, m, last);
      const auto [k1, k2] = turned(k, m, j);
      sum += q1 * k1 + q2 * k2;
    }
    sum /= std::sqrt(static_cast<double>(dim_));
    // The numbers of heads here are powers of two.
    const double slope = std::exp2(-8.0 * static_cast<double>(h + 1) / static_cast<double>(heads_));
    return position_ == "alibi" ? sum - slope * static_cast<double>(last - j) : sum;
  }
  Numbers read(const Numbers& q, const std::vector<Numbers>& keys, const std::vector<Numbers>& values) const {
    const auto last = static_cast<std::int64_t>(keys.size()) - 1;
    Numbers o(static_cast<std::size_t>(kWidth));
    for (std::int64_t h = 0; h < heads_; ++h) {
      const std::int64_t shared = h / (heads_ / kv_heads_) * dim_;
      double* head = o.data() + h * dim_;
      double sum = 0;
      for (std::int64_t j = 0; j <= last; ++j) {
        const auto slot = static_cast<std::size_t>(j);
        const double s = score(q.data() + h * dim_, keys[slot].data() + shared, h, j, last);
        const double weight = s_.softmax ? std::exp(s) : 1 / (1 + bias_length() * std::exp(-s));
        for (std::int64_t c = 0; c < dim_; ++c) {
          head[c] += weight * values[slot][static_cast<std::size_t>(shared + c)];
        }
        sum += weight;
      }
      for (std::int64_t c = 0; s_.softmax && c < dim_; ++c) head[c] /= sum;
    }
    return o;
  }
  // sigmoid(s - ln n) = 1 / (1 + n exp(-s)).
  double bias_length() const {
    const std::int64_t given = s_.options.integer("bias_length");
    return static_cast<double>(given == 0 ? 64 : given);
  }

  const Subject& s_;
  std::int64_t heads_, kv_heads_, dim_, window_, sinks_;
  std::string position_;
};

template <class F>
void for_each_case(const F& f) {
  int index = 0;
  for (const Case& subject : cases()) {
    CAPTURE(index);
    f(Subject(subject));
    ++index;
  }
}

TEST_CASE("softmax and sigmoid: outputs are those of the equations, over slots of a cache") {
  for_each_case([](const Subject& s) {
    const Numbers x = random_vector<double>(kBatch * kLength * kWidth, 1);
    Numbers expected;
    for (std::int64_t b = 0; b < kBatch; ++b) {
      const Numbers y = Equations(s)(x.data() + b * kLength * kWidth, kLength);
      expected.insert(expected.end(), y.begin(), y.end());
    }
    REQUIRE(norm(expected) > 0.1);
    CHECK(max_error(forward(s, x), expected) < 1e-12);
  });
}

// In one piece, token by token, and in pieces that begin before and after a window of 3 with 2 sinks is full.
const std::vector<std::vector<std::int64_t>> kSplits = {
    {kLength}, std::vector<std::int64_t>(kLength, 1), {3, 10}, {8, 5}, {1, 5, 1, 6}};

struct Differentiated {
  Numbers y, dx, dw;
};

// Of <y, dy>, x read in pieces on one tape, from one state to the next.
Differentiated differentiate(const Subject& s, const Numbers& x, const Numbers& dy,
                             const std::vector<std::int64_t>* split) {
  Gradients gradients(s.parameters, DType::f64);
  Arena arena;
  Tape tape(s.parameters, s.weights, &gradients, arena);
  const Tensor in = on_tape(tape, x);
  Tensor y;
  if (split == nullptr) {
    y = s.mechanism->forward(tape, in, Form::parallel, nullptr);
  } else {
    TapeState state = recorded(tape, s.mechanism->empty_state(kBatch, DType::f64));
    std::vector<Tensor> pieces;
    for (const std::int64_t count : *split) {
      const Tensor piece = slice_tokens(tape, in, state.tokens, count);
      pieces.push_back(s.mechanism->forward(tape, piece, Form::parallel, &state));
      state.tokens += count;
    }
    y = concat_tokens(tape, pieces);
  }
  Differentiated result;
  result.y.assign(y.as<double>(), y.as<double>() + y.shape.size());
  std::ranges::copy(dy, tape.sink<double>(y).data);
  tape.backward();
  result.dx.assign(tape.gradient<double>(in), tape.gradient<double>(in) + in.shape.size());
  gradients.clear_unwritten();
  result.dw.assign(gradients.values().as<double>(),
                   gradients.values().as<double>() + gradients.values().size());
  return result;
}

TEST_CASE("softmax and sigmoid: gradients match finite differences, and reach across any split of a text") {
  for_each_case([](const Subject& s) {
    Numbers x = random_vector<double>(kBatch * kLength * kWidth, 1);
    const Numbers dy = random_vector<double>(kBatch * kLength * kWidth, 2);
    const Differentiated whole = differentiate(s, x, dy, nullptr);
    REQUIRE(norm(whole.dx) > 0.01);
    const auto loss = [&] { return dot(forward(s, x), dy); };
    CHECK(max_error(whole.dx, numeric_gradient(x, loss)) < 1e-7);
    for (const auto& split : kSplits) {
      CAPTURE(split.size());
      const Differentiated pieces = differentiate(s, x, dy, &split);
      CHECK(max_error(pieces.y, whole.y) < 1e-12);
      CHECK(max_error(pieces.dx, whole.dx) < 1e-12);
      CHECK(max_error(pieces.dw, whole.dw) < 1e-12);
    }
  });
}

// y of x read in pieces through a state that is updated where it is, as in decoding; and the bytes it holds
// after each.
template <class T>
Numbers decoded(const Subject& s, const Numbers& x, const std::vector<std::int64_t>& split,
                std::vector<std::int64_t>& bytes) {
  Buffer weights(s.weights.size(), dtype_of<T>);
  std::copy_n(s.weights.as<double>(), weights.size(), weights.as<T>());
  State state = s.mechanism->empty_state(kBatch, dtype_of<T>);
  Numbers y(x.size());
  for (const std::int64_t count : split) {
    Arena arena;
    Tape tape(s.parameters, weights, nullptr, arena);
    const Tensor piece = tape.make({kBatch, count, kWidth});
    const std::int64_t at = state.tokens * kWidth, size = count * kWidth;
    for (std::int64_t b = 0; b < kBatch; ++b) {
      std::copy_n(x.begin() + b * kLength * kWidth + at, size, piece.as<T>() + b * size);
    }
    const Tensor out = extend(tape, *s.mechanism, piece, Form::parallel, state);
    for (std::int64_t b = 0; b < kBatch; ++b) {
      std::copy_n(out.as<T>() + b * size, size, y.begin() + b * kLength * kWidth + at);
    }
    bytes.push_back(state.bytes());
  }
  return y;
}

TEST_CASE("softmax and sigmoid: decoding through a trimmed cache, and any split, equal the parallel form") {
  for_each_case([](const Subject& s) {
    const Numbers x = random_vector<double>(kBatch * kLength * kWidth, 1);
    const Numbers expected = forward(s, x);
    for (const auto& split : kSplits) {
      CAPTURE(split.size());
      std::vector<std::int64_t> bytes;
      CHECK(max_error(decoded<double>(s, x, split, bytes), expected) < 1e-12);
      for_each_target([&] {
        // Scores of size 5 in f32, through three products.
        CHECK(max_error(decoded<float>(s, x, split, bytes), expected) < 128 * kFloatEps);
      });
    }
  });
}

TEST_CASE("softmax and sigmoid: the state is what the registry's formula says") {
  const Numbers x = random_vector<double>(kBatch * kLength * kWidth, 1);
  const auto bytes = [&](const Case& subject) {
    std::vector<std::int64_t> after;
    decoded<float>(Subject(subject), x, kSplits[1], after);
    return after;
  };
  const std::int64_t token = 2 * kBatch * 4;  // a key and a value of one column of each sequence
  const auto all = bytes({"softmax", {{"heads", n(4)}, {"kv_heads", n(2)}}});
  CHECK(all.back() == token * kLength * 2 * kWidth / 4);
  const auto window = bytes({"softmax", {{"heads", n(2)}, {"window", n(3)}, {"sinks", n(2)}}});
  for (std::size_t i = 0; i < window.size(); ++i) {
    CHECK(window[i] == token * std::min<std::int64_t>(static_cast<std::int64_t>(i) + 1, 2 + 3 - 1) * kWidth);
  }
  CHECK(bytes({"sigmoid", {{"window", n(4)}}}).back() == token * 3 * kWidth);
}

TEST_CASE("softmax and sigmoid: options that do not fit are refused by name") {
  const auto message = [](const Case& subject) -> std::string {
    try {
      const Subject made(subject);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const auto names = [&](const Case& subject, const std::string& part) {
    const std::string text = message(subject);
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  names({"softmax", {{"heads", n(4)}, {"kv_heads", n(3)}}}, "3 kv_heads for 4 heads");
  names({"sigmoid", {{"heads", n(2)}, {"kv_heads", n(4)}}}, "4 kv_heads for 2 heads");
  names({"softmax", {{"heads", n(8)}, {"position", "rope"}}}, "1 each");
  names({"softmax", {{"sinks", n(4)}}}, "model.mixer.window");
}

}  // namespace
}  // namespace seqbench::test
