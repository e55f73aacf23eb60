#include "proof/proofs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <span>

#include "proof/worst.h"

namespace seqbench::proof {
namespace {

constexpr double kFloatEps = std::numeric_limits<float>::epsilon();
// In f64 every way of computing is the same function to rounding, here some 1e-13; gates and normalisers that
// cancel cost two digits more.
constexpr double kExact = 1e-10;
// Central differences with a step of 1e-6 of losses of size 10 to 100: rounding leaves 1e-9, the third
// derivative less.
constexpr double kDifference = 1e-6;
constexpr double kStep = 1e-6;

// A function can be ill conditioned where its inputs happen to lie: a norm of a head that is nearly zero, a
// normaliser that cancels. Results of f32 may then be off as far as those of f64 are when every input, weight
// and number of the state moves by one rounding, times what the roundings along the way add up to.
constexpr double kNearby = 16;

// f32 against f64: some tens of roundings a number, which add up like a random walk over the length.
double f32_bound(std::int64_t length) { return 64 * kFloatEps * std::sqrt(static_cast<double>(length)); }

constexpr std::int64_t kLengths[] = {1, 7, 63, 65, 130};

// A mechanism that brings its own block may differ from layer to layer.
template <class F>
void for_each_layer(const Case& of, const F& f) {
  for (std::int64_t layer = 0; layer < (of.entry->own_block ? 2 : 1); ++layer) f(layer);
}

std::string text_of(const Way& way) {
  if (way.pieces.size() == 1) return name_of(way.form);
  return std::ranges::all_of(way.pieces, [](std::int64_t count) { return count == 1; })
             ? std::string("token by token")
             : fmt::format("{} in pieces of {}", name_of(way.form), fmt::join(way.pieces, ", "));
}

// The numbers of one parameter out of all.
Numbers part_of(const Numbers& all, const Parameter& parameter) {
  return {all.begin() + parameter.offset, all.begin() + parameter.offset + parameter.size()};
}

// What f64 has, and what it has for inputs that are off by a rounding of f32, in a few directions.
struct Reference {
  Outputs at;
  std::vector<Outputs> nearby;
};

class Comparison {
 public:
  // Of f32.
  Comparison(Worst& worst, const Reference& reference, std::int64_t length)
      : worst_(worst), at_(reference.at), nearby_(reference.nearby), bound_(f32_bound(length)) {}
  // Of f64.
  Comparison(Worst& worst, const Outputs& reference) : worst_(worst), at_(reference), bound_(kExact) {}

  void outputs(const std::string& how, const Outputs& got) const {
    worst_.require(how + ": outputs are all zero", rms(at_.y) > 1e-3);
    compare(
        how + ": outputs", got.y, at_.y, 1, [](const Outputs& of) -> auto& { return of.y; });
    for (std::size_t i = 0; i < at_.end.parts.size(); ++i) {
      worst_.require(how + ": a state of another shape", got.end.shapes[i] == at_.end.shapes[i]);
      compare(
          how + ": final state", got.end.parts[i], at_.end.parts[i],
          1, [i](const Outputs& of) -> auto& { return of.end.parts[i]; });
    }
  }
  void gradients(const std::string& how, const Outputs& got) const {
    worst_.require(how + ": gradients are all zero", rms(at_.dx) > 1e-6 && rms(at_.dw) > 1e-6);
    compare(
        how + ": gradient of x", got.dx, at_.dx, 8, [](const Outputs& of) -> auto& { return of.dx; });
    compare(
        how + ": gradients of parameters", got.dw, at_.dw, 8,
        [](const Outputs& of) -> auto& { return of.dw; });
    for (std::size_t i = 0; i < at_.d_start.size(); ++i) {
      compare(
          how + ": gradient of the initial state", got.d_start[i], at_.d_start[i],
          8, [i](const Outputs& of) -> auto& { return of.d_start[i]; });
    }
  }

 private:
  // A gradient is a product of several rounded factors: `slack` times the bound of an output.
  template <class Part>
  void compare(const std::string& what, const Numbers& got, const Numbers& expected, double slack,
               const Part& part) const {
    double moved = 0;
    for (const Outputs& nearby : nearby_) moved = std::max(moved, relative_error(part(nearby), expected));
    worst_.compare(what, got, expected, std::max(slack * bound_, kNearby * moved));
  }

  Worst& worst_;
  const Outputs& at_;
  std::span<const Outputs> nearby_ = {};
  double bound_;
};

// Computes a Reference.
class Oracle {
 public:
  Oracle(const Case& of, std::int64_t layer) : at_(of, DType::f64, layer) {
    for (std::uint64_t direction = 0; direction < kDirections; ++direction) {
      Subject& subject = nearby_.emplace_back(of, DType::f64, layer);
      for (std::int64_t i = 0; i < subject.weights(); ++i) {
        subject.set_weight(i, moved(subject.weight(i), static_cast<std::size_t>(i), direction));
      }
    }
  }
  Subject& subject() { return at_; }
  Reference run(const Inputs& in, const Way& way) {
    Reference reference{at_.run(in, way), {}};
    for (std::uint64_t direction = 0; direction < kDirections; ++direction) {
      StateNumbers start = in.start == nullptr ? StateNumbers{} : *in.start;
      for (Numbers& part : start.parts) move(part, direction);
      Inputs other = in;
      move(other.x, direction);
      if (in.start != nullptr) other.start = &start;
      reference.nearby.push_back(nearby_[direction].run(other, way));
    }
    return reference;
  }

 private:
  static constexpr std::uint64_t kDirections = 4;
  // Up or down by a rounding, as a hash of the index has it.
  static double moved(double x, std::size_t i, std::uint64_t direction) {
    const bool up = ((i + 1) * (2 * direction + 0x9e3779b97f4a7c15U) >> 40U & 1U) != 0;
    return x * (up ? 1 + kFloatEps : 1 - kFloatEps);
  }
  static void move(Numbers& numbers, std::uint64_t direction) {
    for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = moved(numbers[i], i, direction);
  }
  Subject at_;
  std::deque<Subject> nearby_;
};

// d loss / d value by central differences. `set` changes the number, `loss` evaluates.
template <class Set, class Loss>
double difference(double value, double step, const Set& set, const Loss& loss) {
  set(value + step);
  const double above = loss();
  set(value - step);
  const double below = loss();
  set(value);
  return (above - below) / (2 * step);
}

// Which of `count` numbers to try: all of few, some of many, never the same residue of a head's width.
std::vector<std::int64_t> sample(std::int64_t count, std::int64_t most) {
  const std::int64_t stride = std::max<std::int64_t>(1, count / most) | 1;
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < count; i += stride) indices.push_back(i);
  return indices;
}

class Differences {
 public:
  Differences(const Case& of, std::int64_t layer, bool with_state)
      : subject_(of, DType::f64, layer), in_(Inputs::random(kTokens, 11)), start_(subject_.warm_state(2, 9)) {
    if (!with_state) return;
    in_.start = &start_;
    in_.d_end_seed = 5;
  }

  void prove(Worst& worst) {
    const Outputs exact = run(true);
    least_scale_ = 0.05 * rms(exact.dx);
    worst.require("gradient of x is all zero", rms(exact.dx) > 1e-4);
    compare(worst, "x", in_.x, exact.dx, 60);
    for (const Parameter& parameter : subject_.parameters().all()) {
      compare_parameter(worst, parameter, part_of(exact.dw, parameter));
    }
    for (std::size_t i = 0; in_.start != nullptr && i < start_.parts.size(); ++i) {
      compare(worst, "the initial state", start_.parts[i], exact.d_start[i], 60);
    }
  }

 private:
  // With the nine before, more than a window and what is selected beyond it hold by default.
  static constexpr std::int64_t kTokens = 12;
  // A gradient that is nothing beside that of x has no digits of its own in a difference of losses.
  double scale_of(const Numbers& exact) const { return std::max(rms(exact), least_scale_); }
  Outputs run(bool backward) {
    in_.backward = backward;
    return subject_.run(in_, subject_.whole(in_.length));
  }
  double loss() { return run(false).loss; }

  // An element next to a kink (a tie, a maximum of two equal numbers) has no gradient: a smaller step may
  // stay on its side.
  template <class Set>
  double error_of(double value, double exact, double scale, const Set& set) {
    double least = std::numeric_limits<double>::infinity();
    for (const double step : {kStep, kStep / 16}) {
      const double off = std::abs(exact - difference(value, step, set, [&] { return loss(); })) / scale;
      least = std::min(least, off);
      if (least <= kDifference) break;
    }
    return least;
  }

  void compare(Worst& worst, const std::string& what, Numbers& numbers, const Numbers& exact,
               std::int64_t most) {
    const double scale = scale_of(exact);
    for (const std::int64_t i : sample(static_cast<std::int64_t>(numbers.size()), most)) {
      const auto at = static_cast<std::size_t>(i);
      worst.add("gradient of " + what,
                error_of(numbers[at], exact[at], scale, [&](double value) { numbers[at] = value; }),
                kDifference);
    }
  }

  void compare_parameter(Worst& worst, const Parameter& parameter, const Numbers& exact) {
    // From an empty state some parameters make no difference (sLSTM's input bias scales all it has read).
    worst.require("gradient of " + parameter.name + " is all zero",
                  in_.start == nullptr || rms(exact) > 1e-9);
    const double scale = scale_of(exact);
    for (const std::int64_t i : sample(parameter.size(), 20)) {
      const std::int64_t at = parameter.offset + i;
      worst.add("gradient of " + parameter.name,
                error_of(subject_.weight(at), exact[static_cast<std::size_t>(i)], scale,
                         [&](double value) { subject_.set_weight(at, value); }),
                kDifference);
    }
  }

  Subject subject_;
  Inputs in_;
  StateNumbers start_;
  double least_scale_ = 0;
};

Finding gradients(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) { Differences(of, layer, false).prove(worst); });
  return worst.finding();
}

Finding state_gradients(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) { Differences(of, layer, true).prove(worst); });
  return worst.finding();
}

// Against the first form in f64, from a state that is not empty.
Finding forms(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) {
    Oracle oracle(of, layer);
    Subject f32(of, DType::f32, layer);
    const StateNumbers start = f32.warm_state(2, 9);
    for (const std::int64_t length : kLengths) {
      Inputs in = Inputs::random(length, 21);
      in.start = &start;
      in.d_end_seed = 7;
      const Reference reference = oracle.run(in, f32.whole(length));
      for (const Way& way : f32.ways(length)) {
        const std::string how = fmt::format("{}, {} tokens", text_of(way), length);
        const Outputs exact = oracle.subject().run(in, way);
        Comparison(worst, reference.at).outputs(how + ", f64", exact);
        Comparison(worst, reference.at).gradients(how + ", f64", exact);
        const Outputs rounded = f32.run(in, way);
        Comparison(worst, reference, length).outputs(how, rounded);
        Comparison(worst, reference, length).gradients(how, rounded);
      }
    }
  });
  return worst.finding();
}

// A training pass, which starts from nothing and leaves nothing, against the recurrence.
Finding training(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) {
    Oracle oracle(of, layer);
    Subject f32(of, DType::f32, layer);
    for (const std::int64_t length : kLengths) {
      const Inputs in = Inputs::random(length, 31);
      Reference reference = oracle.run(in, f32.token_by_token(length));
      const auto drop_state = [](Outputs& outputs) {
        outputs.end = {};
        outputs.d_start.clear();
      };
      drop_state(reference.at);
      std::ranges::for_each(reference.nearby, drop_state);
      const std::string how = fmt::format("{} tokens", length);
      const Outputs exact = oracle.subject().run(in, f32.whole(length));
      Comparison(worst, reference.at).outputs(how + ", f64", exact);
      Comparison(worst, reference.at).gradients(how + ", f64", exact);
      const Outputs rounded = f32.run(in, f32.whole(length));
      Comparison(worst, reference, length).outputs(how, rounded);
      Comparison(worst, reference, length).gradients(how, rounded);
    }
  });
  return worst.finding();
}

Finding chunks(const Case& of) {
  Worst worst;
  const auto option = std::ranges::find(of.entry->options, "chunk", &Option::name);
  if (option == of.entry->options.end()) return {true, 0, 0, "has no chunks"};
  Oracle oracle(of, 0);
  const StateNumbers start = oracle.subject().warm_state(2, 9);
  for (const std::int64_t length : kLengths) {
    Inputs in = Inputs::random(length, 41);
    in.start = &start;
    in.d_end_seed = 3;
    const Reference reference = oracle.run(in, oracle.subject().whole(length));
    for (const std::int64_t chunk : {1, 7, 16, 64, 100}) {
      Case other = of;
      other.settings["chunk"] = chunk;
      Subject f32(other, DType::f32);
      const Outputs got = f32.run(in, f32.whole(length));
      const std::string how = fmt::format("chunks of {}, {} tokens", chunk, length);
      Comparison(worst, reference, length).outputs(how, got);
      Comparison(worst, reference, length).gradients(how, got);
    }
  }
  return worst.finding();
}

// What comes later changes nothing before: outputs to a rounding or two (a mechanism that selects may sum in
// another order), gradients bit for bit.
Finding causality(const Case& of) {
  Worst worst;
  constexpr std::int64_t kLength = 70;
  for_each_layer(of, [&](std::int64_t layer) {
    Subject subject(of, DType::f32, layer);
    const StateNumbers start = subject.warm_state(1, 9);
    for (const Way& way : subject.ways(kLength)) {
      for (const bool with_state : {false, true}) {
        Inputs in;
        in.batch = 1;
        in.length = kLength;
        in.x = normal_numbers(kLength * kWidth, 51);
        if (with_state) in.start = &start;
        const Outputs before = subject.run(in, way);
        for (const std::int64_t t : {1, 31, 32, 64, 69}) {
          const auto at = static_cast<std::ptrdiff_t>(t * kWidth);
          const auto until = [&](const Numbers& x) { return Numbers(x.begin(), x.begin() + at); };
          const auto token = [&](const Numbers& x) {
            return Numbers(x.begin() + at, x.begin() + at + kWidth);
          };
          Inputs other = in;
          for (std::int64_t c = 0; c < kWidth; ++c) other.x[static_cast<std::size_t>(at + c)] += 1;
          const Outputs after = subject.run(other, way);
          const std::string how = fmt::format("{}, token {}", text_of(way), t);
          worst.compare(how + " seen before it comes", until(after.y), until(before.y), 4 * kFloatEps);
          worst.require(how + " not seen at all", relative_error(token(after.y), token(before.y)) > 1e-6);

          other.dy.assign(in.x.size(), 0);
          std::fill_n(other.dy.begin(), at, 1.0);
          const Outputs backward = subject.run(other, way);
          const Numbers later(backward.dx.begin() + at, backward.dx.end());
          worst.same(how + " has a gradient of outputs before it", later, Numbers(later.size(), 0));
        }
      }
    }
  });
  return worst.finding();
}

// A state carried across any split, recorded or updated in place, equals no split.
Finding splits(const Case& of) {
  Worst worst;
  constexpr std::int64_t kLength = 67;
  for_each_layer(of, [&](std::int64_t layer) {
    Oracle oracle(of, layer);
    Subject f32(of, DType::f32, layer);
    const StateNumbers warm = f32.warm_state(2, 9);
    for (const StateNumbers* start : {static_cast<const StateNumbers*>(nullptr), &warm}) {
      Inputs in = Inputs::random(kLength, 61);
      in.start = start;
      in.d_end_seed = 9;
      const Form form = of.entry->forms.front();
      const Reference reference = oracle.run(in, {form, {kLength}});
      const Comparison comparison(worst, reference, kLength);
      for (const std::vector<std::int64_t>& pieces :
           {std::vector<std::int64_t>{kLength},
            {1, 66},
            {40, 27},
            {66, 1},
            {9, 1, 1, 33, 23},
            std::vector<std::int64_t>(static_cast<std::size_t>(kLength), 1)}) {
        const Way way{form, pieces};
        const std::string how = text_of(way) + (start == nullptr ? "" : ", after 9 tokens");
        comparison.outputs(how + ", in place", f32.run_in_place(in, way));
        const Outputs got = f32.run(in, way);
        comparison.outputs(how + ", recorded", got);
        comparison.gradients(how, got);
      }
    }
  });
  return worst.finding();
}

// A row of a batch as if it were alone: to rounding in number, bit for bit in what other rows hold.
Finding batch(const Case& of) {
  Worst worst;
  constexpr std::int64_t kLength = 35;
  for_each_layer(of, [&](std::int64_t layer) {
    Subject subject(of, DType::f32, layer);
    Inputs three;
    three.batch = 3;
    three.length = kLength;
    three.x = normal_numbers(3 * kLength * kWidth, 71);
    const auto row = [&](const Numbers& x) {
      return Numbers(x.begin() + kLength * kWidth, x.begin() + 2 * kLength * kWidth);
    };
    Inputs alone;
    alone.batch = 1;
    alone.length = kLength;
    alone.x = row(three.x);
    Inputs others = three;
    for (std::size_t i = 0; i < static_cast<std::size_t>(kLength * kWidth); ++i)
      others.x[i] = -others.x[i] + 1;
    for (const Way& way : subject.ways(kLength)) {
      const Numbers together = row(subject.run(three, way).y);
      worst.same(text_of(way) + ": sees another row", row(subject.run(others, way).y), together);
      worst.compare(text_of(way) + ": alone", subject.run(alone, way).y, together, f32_bound(1));
    }
  });
  return worst.finding();
}

Finding bits(const Case& of) {
  Worst worst;
  constexpr std::int64_t kLength = 65;
  for_each_layer(of, [&](std::int64_t layer) {
    Subject one(of, DType::f32, layer);
    Subject two(of, DType::f32, layer);
    two.disturb_memory();
    const StateNumbers start = one.warm_state(2, 9);
    Inputs in = Inputs::random(kLength, 81);
    in.start = &start;
    in.d_end_seed = 2;
    for (const Way& way : one.ways(kLength)) {
      two.disturb_memory();
      const Outputs a = one.run(in, way);
      const Outputs b = two.run(in, way);
      worst.same(text_of(way) + ": outputs", a.y, b.y);
      worst.same(text_of(way) + ": gradient of x", a.dx, b.dx);
      worst.same(text_of(way) + ": gradients of parameters", a.dw, b.dw);
    }
  });
  return worst.finding();
}

// Gates shut and open to the last bit, zeros, and large logits: every number stays one.
Finding extremes(const Case& of) {
  Worst worst;
  constexpr std::int64_t kLength = 65;
  for_each_layer(of, [&](std::int64_t layer) {
    for (const double weight_scale : {1.0, 30.0}) {
      Subject subject(of, DType::f32, layer, weight_scale);
      for (const double scale : {0.0, 1.0, 100.0, 1000.0}) {
        Inputs in = Inputs::random(kLength, 91);
        for (double& x : in.x) x *= scale;
        in.d_end_seed = 4;
        for (const Way& way : subject.ways(kLength)) {
          const Outputs out = subject.run(in, way);
          const std::string how =
              fmt::format("{}, inputs times {}, weights times {}", text_of(way), scale, weight_scale);
          worst.require(how + ": outputs", all_finite(out.y));
          for (const Numbers& part : out.end.parts) worst.require(how + ": state", all_finite(part));
          worst.require(how + ": gradient of x", all_finite(out.dx));
          worst.require(how + ": gradients of parameters", all_finite(out.dw));
          for (const Numbers& part : out.d_start)
            worst.require(how + ": gradient of the state", all_finite(part));
        }
      }
    }
  });
  return worst.finding();
}

// As measured in the state that decoding carries: constant, so many bytes a token, or within a quarter of
// what it was whatever comes (a selection whose size depends on the data).
Finding growth(const Case& of) {
  Subject subject(of, DType::f32);
  const std::int64_t at_64 = subject.state_bytes(64);
  const std::int64_t at_256 = subject.state_bytes(256);
  const std::int64_t at_1024 = subject.state_bytes(1024);
  if (at_64 > 0 && at_64 == at_256 && at_256 == at_1024) {
    return {true, 0, 0, fmt::format("constant: {} bytes", at_1024)};
  }
  if (at_64 > 0 && at_1024 - at_256 == 4 * (at_256 - at_64)) {
    return {true, 0, 0, fmt::format("linear: {} bytes a token", (at_256 - at_64) / 192)};
  }
  const bool bounded = at_64 > 0 && std::max(at_256, at_1024) <= at_64 + at_64 / 4;
  return {bounded, bounded ? 0.0 : 1.0, 0,
          fmt::format("{}: {}, {}, {} bytes after 64, 256, 1024 tokens", bounded ? "bounded" : "unbounded",
                      at_64, at_256, at_1024)};
}

}  // namespace

const std::vector<Proof>& proofs() {
  static const std::vector<Proof> all = {
      {"gradients", "gradients are those of finite differences, in f64", gradients},
      {"state-gradients", "so are those into and out of a state", state_gradients},
      {"training", "a training pass is the recurrence token by token", training},
      {"forms", "every form gives the same outputs, final state and gradients, in f32 and f64", forms},
      {"chunks", "chunks of any length give the same", chunks},
      {"splits", "a state carried across any split gives the same, recorded or in place", splits},
      {"causality", "no output sees the future, no gradient comes from the past", causality},
      {"batch", "rows of a batch do not touch", batch},
      {"bits", "the same numbers give the same bits, whatever memory held before", bits},
      {"extremes", "saturated gates, large logits and zeros give finite numbers", extremes},
      {"growth", "the decode state is constant or grows by the token", growth},
  };
  return all;
}

std::vector<Case> cases_of(const MechanismEntry& entry) {
  std::vector<Case> cases = {{&entry, {}}};
  for (const Settings& settings : entry.variants) cases.push_back({&entry, settings});
  return cases;
}

Finding prove(const Proof& proof, const Case& of) try {
  return proof.prove(of);
} catch (const std::exception& error) {
  return {false, std::numeric_limits<double>::infinity(), 0, error.what()};
}

}  // namespace seqbench::proof
