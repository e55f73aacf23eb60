#include "proof/proofs.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "proof/differences.h"
#include "proof/not_a_number.h"
#include "proof/reference.h"
#include "proof/worst.h"

namespace seqbench::proof {
namespace {

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

Finding gradients(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) { compare_with_differences(worst, of, layer, false); });
  return worst.finding();
}

Finding state_gradients(const Case& of) {
  Worst worst;
  for_each_layer(of, [&](std::int64_t layer) { compare_with_differences(worst, of, layer, true); });
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

// What comes later changes nothing before, outputs and gradients, bit for bit.
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
          worst.same(how + " seen before it comes", until(after.y), until(before.y));
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

// As measured in the state that decoding carries, past every window: constant, so many bytes a token, or
// within a quarter of what it was whatever comes (a selection whose size depends on the data).
Finding growth(const Case& of) {
  Subject subject(of, DType::f32);
  const std::int64_t at_512 = subject.state_bytes(512);
  const std::int64_t at_1024 = subject.state_bytes(1024);
  const std::int64_t at_2048 = subject.state_bytes(2048);
  if (at_512 > 0 && at_512 == at_1024 && at_1024 == at_2048) {
    return {true, 0, 0, fmt::format("constant: {} bytes", at_2048)};
  }
  if (at_512 > 0 && at_2048 - at_1024 == 2 * (at_1024 - at_512)) {
    return {true, 0, 0, fmt::format("linear: {} bytes a token", (at_1024 - at_512) / 512)};
  }
  const bool bounded = at_512 > 0 && std::max(at_1024, at_2048) <= at_512 + at_512 / 4;
  return {bounded, bounded ? 0.0 : 1.0, 0,
          fmt::format("{}: {}, {}, {} bytes after 512, 1024, 2048 tokens", bounded ? "bounded" : "unbounded",
                      at_512, at_1024, at_2048)};
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
      {"nan", "a NaN in x, a weight or dy reaches all that depends on it, and no other row", not_a_number},
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
