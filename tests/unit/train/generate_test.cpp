#include "train/generate.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "base/error.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

struct Tiny {
  explicit Tiny(const std::string& mechanism, const std::string& position = "none",
                std::int64_t length = 16) {
    RunSpec spec = tiny_spec(mechanism);
    spec.model.options =
        Options(model_options(), {{"width", std::int64_t{16}}, {"position", position}}, "model");
    model = std::make_unique<LanguageModel>(spec.model, 40, length);
    weights = model->parameters().initial(1, DType::f32);
    for (std::int64_t i = 0; i < model->parameters().flat_size(); ++i) weights.as<float>()[i] *= 8;
  }
  // Logits after the last of `tokens`, in the training form.
  std::vector<float> logits(const std::vector<std::int32_t>& tokens) const {
    Arena arena;
    Tape tape(model->parameters(), weights, nullptr, arena);
    const Tensor all = model->all_logits(tape, tokens, 1);
    return {all.as<float>() + (std::ssize(tokens) - 1) * 40, all.as<float>() + std::ssize(tokens) * 40};
  }
  std::unique_ptr<LanguageModel> model;
  Buffer weights;
};

TEST_CASE("generate: at temperature 0 each token is the likeliest after all before it") {
  for (const std::string mechanism : {"softmax", "retention", "min_gru"}) {
    CAPTURE(mechanism);
    const Tiny tiny(mechanism);
    std::vector<std::int32_t> tokens = {3, 1, 4, 1, 5};
    const auto written = generate(*tiny.model, tiny.weights, tokens, {.tokens = 20, .temperature = 0});
    REQUIRE(written.size() == 20);
    for (const std::int32_t token : written) {
      const std::vector<float> logits = tiny.logits(tokens);
      CHECK(token == std::ranges::max_element(logits) - logits.begin());
      tokens.push_back(token);
    }
  }
}

TEST_CASE("generate: draws follow the softmax of the logits over the temperature, and the seed") {
  const Tiny tiny("min_gru");
  const std::vector<std::int32_t> prompt = {7, 8};
  const std::vector<float> logits = tiny.logits(prompt);
  for (const double temperature : {0.5, 2.0}) {
    std::vector<double> p;
    double sum = 0;
    for (const float logit : logits) sum += std::exp(static_cast<double>(logit) / temperature);
    for (const float logit : logits) p.push_back(std::exp(static_cast<double>(logit) / temperature) / sum);
    std::vector<double> counts(40);
    constexpr int kDraws = 4000;
    for (std::uint64_t seed = 0; seed < kDraws; ++seed) {
      ++counts[generate(*tiny.model, tiny.weights, prompt,
                        {.tokens = 1, .temperature = temperature, .seed = seed})[0]];
    }
    for (std::size_t i = 0; i < 40; ++i) {
      CHECK(std::abs(counts[i] - kDraws * p[i]) <= 5 * std::sqrt(kDraws * p[i] * (1 - p[i])) + 1);
    }
  }
  const Sampling sampling{.tokens = 30, .seed = 5};
  CHECK(generate(*tiny.model, tiny.weights, prompt, sampling) ==
        generate(*tiny.model, tiny.weights, prompt, sampling));
}

TEST_CASE("generate: scores that are not numbers are an error, at any temperature") {
  Tiny tiny("min_gru");
  tiny.weights.as<float>()[tiny.model->parameters().flat_size() / 2] = std::nanf("");
  for (const double temperature : {0.0, 1.0}) {
    CHECK_THROWS_WITH_AS(
        generate(*tiny.model, tiny.weights, {1, 2, 3}, {.tokens = 5, .temperature = temperature}),
        doctest::Contains("scores of the token after 3 are not all finite"), Error);
  }
}

TEST_CASE("generate: where learned positions end, the last half of them is read anew") {
  const Tiny tiny("softmax", "learned", 8);
  std::vector<std::int32_t> tokens = {1, 2, 3};
  const auto written = generate(*tiny.model, tiny.weights, tokens, {.tokens = 30, .temperature = 0});
  REQUIRE(written.size() == 30);
  std::vector<std::int32_t> window = tokens;  // what the model sees
  for (const std::int32_t token : written) {
    if (window.size() > 8) window.erase(window.begin(), window.end() - 4);
    const std::vector<float> logits = tiny.logits(window);
    CHECK(token == std::ranges::max_element(logits) - logits.begin());
    window.push_back(token);
  }
}

}  // namespace
}  // namespace seqbench::test
