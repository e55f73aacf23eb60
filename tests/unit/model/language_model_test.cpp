#include "model/language_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kVocab = 23;
constexpr std::int64_t kLength = 70;

ModelSpec model_spec(const std::vector<std::string>& mixers, const std::string& position = "learned") {
  ModelSpec spec;
  spec.options = Options(model_options(),
                         {{"width", std::int64_t{16}},
                          {"layers", std::int64_t{3}},
                          {"ffn", std::int64_t{20}},
                          {"short_conv", std::int64_t{3}},
                          {"position", position}},
                         "model");
  for (const std::string& name : mixers) {
    spec.mixers.push_back(
        {name, Options(mechanisms().find(name, "").options, {}, "model.mixer"), "model.mixer"});
  }
  return spec;
}

std::vector<std::int32_t> random_tokens(std::int64_t count) {
  Random random(3, "test tokens");
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<std::int32_t>(random.below(kVocab)));
  return tokens;
}

// Weights five times the usual start, but for taps, which start at their full size: logits of size 1, as after
// some training.
Buffer weights_of(const LanguageModel& model) {
  Buffer weights = model.parameters().initial(1, DType::f32);
  for (const Parameter& parameter : model.parameters().all()) {
    const float times = parameter.name.ends_with("conv.weight") ? 1 : 5;
    float* first = weights.as<float>() + parameter.offset;
    std::for_each(first, first + parameter.size(), [&](float& weight) { weight *= times; });
  }
  return weights;
}

std::vector<float> values(const Tensor& tensor) {
  return {tensor.as<float>(), tensor.as<float>() + tensor.shape.size()};
}

const std::vector<std::vector<std::string>> kMixers = {
    {"softmax"}, {"linear"}, {"min_gru"}, {"min_gru", "softmax"}};

TEST_CASE("decoding one token at a time gives the logits of the full forward pass to 1e-4") {
  for (const auto& mixers : kMixers) {
    CAPTURE(mixers.front());
    const LanguageModel model(model_spec(mixers), kVocab, kLength);
    const Buffer weights = weights_of(model);
    const auto tokens = random_tokens(2 * kLength);
    Arena arena;
    Tape tape(model.parameters(), weights, nullptr, arena);
    const std::vector<float> all = values(model.all_logits(tape, tokens, 2));
    REQUIRE(norm(all) > 0.3);

    DecodeState state = model.empty_state(2, DType::f32);
    for (std::int64_t t = 0; t < kLength; ++t) {
      const std::vector<std::int32_t> now = {tokens[static_cast<std::size_t>(t)],
                                             tokens[static_cast<std::size_t>(kLength + t)]};
      const std::vector<float> got = values(model.extend(tape, now, state));
      std::vector<float> expected;
      for (const std::int64_t row : {t, kLength + t}) {
        expected.insert(expected.end(), all.begin() + row * kVocab, all.begin() + (row + 1) * kVocab);
      }
      CHECK(max_difference(got, expected) < 1e-4);
    }
    CHECK(state.tokens == kLength);
  }
}

TEST_CASE("reading a prompt in pieces gives the logits of reading it at once") {
  for (const auto& mixers : kMixers) {
    const LanguageModel model(model_spec(mixers), kVocab, kLength);
    const Buffer weights = weights_of(model);
    const auto tokens = random_tokens(kLength);
    Arena arena;
    Tape tape(model.parameters(), weights, nullptr, arena);
    const std::vector<float> all = values(model.all_logits(tape, tokens, 1));
    const std::vector<float> last(all.end() - kVocab, all.end());
    for (const std::size_t cut : {std::size_t{1}, std::size_t{2}, std::size_t{40}}) {
      DecodeState state = model.empty_state(1, DType::f32);
      model.extend(tape, std::span(tokens).first(cut), state);
      CHECK(max_difference(values(model.extend(tape, std::span(tokens).subspan(cut), state)), last) < 1e-4);
    }
  }
}

TEST_CASE("a mixture of mechanisms repeats its pattern over the layers") {
  const LanguageModel model(model_spec({"softmax", "min_gru"}), kVocab, kLength);
  std::vector<std::string> names;
  for (const Parameter& parameter : model.parameters().all()) names.push_back(parameter.name);
  for (const char* name : {"layers.0.mixer.wq", "layers.1.mixer.wz", "layers.2.mixer.wq"}) {
    CHECK(std::ranges::find(names, name) != names.end());
  }
}

TEST_CASE("a parameter's start depends on its name and the seed, not on its neighbours") {
  const LanguageModel with(model_spec({"softmax"}), kVocab, kLength);
  const LanguageModel without(model_spec({"softmax"}, "none"), kVocab, kLength);
  const auto start_of = [](const LanguageModel& model, std::uint64_t seed) {
    const Buffer weights = model.parameters().initial(seed, DType::f32);
    for (const Parameter& p : model.parameters().all()) {
      if (p.name == "layers.2.mixer.wo") {
        return std::vector<float>(weights.as<float>() + p.offset, weights.as<float>() + p.offset + p.size());
      }
    }
    return std::vector<float>();
  };
  CHECK(start_of(with, 1) == start_of(without, 1));
  CHECK(start_of(with, 1) != start_of(with, 2));
  CHECK(spread(start_of(with, 1)) == doctest::Approx(0.02 / std::sqrt(6.0)).epsilon(0.1));
}

TEST_CASE("a NaN in any weight reaches the loss") {
  const auto tokens = random_tokens(2 * kLength);
  std::vector<std::int32_t> rows, labels;
  for (std::int32_t i = 0; i < 2 * kLength; ++i) {
    rows.push_back(i);
    labels.push_back(tokens[static_cast<std::size_t>(i)]);
  }
  for (const MechanismEntry& entry : mechanisms().all()) {
    const std::string& name = entry.name;
    const LanguageModel model(model_spec({name}), kVocab, kLength);
    for (const Parameter& parameter : model.parameters().all()) {
      CAPTURE(name);
      CAPTURE(parameter.name);
      Buffer weights = weights_of(model);
      weights.as<float>()[parameter.offset + parameter.size() / 2] = std::nanf("");
      Arena arena;
      Tape tape(model.parameters(), weights, nullptr, arena);
      Scores scores;
      model.score(tape, tokens, 2, rows, labels, scores);
      CHECK(std::isnan(std::accumulate(scores.loss.begin(), scores.loss.end(), 0.0)));
    }
  }
}

TEST_CASE("reading past learned positions is an error that says so") {
  const LanguageModel model(model_spec({"softmax"}), kVocab, 8);
  const Buffer weights = weights_of(model);
  const auto tokens = random_tokens(9);
  Arena arena;
  Tape tape(model.parameters(), weights, nullptr, arena);
  DecodeState state = model.empty_state(1, DType::f32);
  CHECK_THROWS_WITH_AS(model.extend(tape, tokens, state), doctest::Contains("learned positions end at 8"),
                       Error);
}

}  // namespace
}  // namespace seqbench::test
