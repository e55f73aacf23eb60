#include "experiment/apply.h"

#include <doctest/doctest.h>

#include "base/error.h"
#include "base/random.h"
#include "experiment/spec.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kWidth = 8;
constexpr std::int64_t kWhole = 12, kBefore = 7;

HostTensor numbers(const Shape& shape, const std::string& name, double scale) {
  Random random(1, name);
  HostTensor tensor{shape, {}};
  for (std::int64_t i = 0; i < shape.size(); ++i)
    tensor.values.push_back(static_cast<float>(scale * random.normal()));
  return tensor;
}

struct Mixer {
  const char* name;
  const char* options;
  bool positional;
};
// The widths of windows are passed before the second piece begins.
const Mixer kMixers[] = {{"retention", R"({"heads": 2})", true},
                         {"softmax", R"({"heads": 2, "position": "rope", "window": 4})", true},
                         {"softmax", R"({"heads": 2, "position": "rope", "window": 3, "sinks": 1})", true},
                         {"sparse_k", R"({"heads": 2, "k": 2, "window": 2})", true},
                         {"softmax", R"({"heads": 2, "position": "rope"})", false},
                         {"mlstm", R"({"heads": 2})", false},
                         {"min_gru", "{}", false}};

ApplySetting setting_of(const Mixer& mixer) {
  ApplySetting setting;
  setting.mixer = parse_mixer(mixer.name, mixer.options, "test");
  setting.length = kWhole;
  return setting;
}

HostTensors weights_of(const ApplySetting& setting) {
  Parameters parameters;
  const auto made = mechanisms()
                        .find(setting.mixer.name, "")
                        .make(setting.mixer.options, {.width = kWidth, .length = kWhole, .path = "test"},
                              ParameterScope(parameters, ""));
  HostTensors weights;
  for (const Parameter& p : parameters.all()) weights[p.name] = numbers(p.shape, p.name, 0.5);
  return weights;
}

// The tokens [first, last) of x.
HostTensors piece(const HostTensor& x, std::int64_t first, std::int64_t last) {
  return {
      {"x",
       {{1, last - first, kWidth}, {x.values.begin() + first * kWidth, x.values.begin() + last * kWidth}}}};
}

double distance(std::span<const float> a, std::span<const float> b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(a[i] - b[i])));
  return most;
}

TEST_CASE(
    "apply: a state that was written continues where it ended, and one without its position is refused") {
  for (const Mixer& mixer : kMixers) {
    CAPTURE(mixer.name);
    CAPTURE(mixer.options);
    const ApplySetting setting = setting_of(mixer);
    const HostTensors weights = weights_of(setting);
    const HostTensor x = numbers({1, kWhole, kWidth}, "x", 1);
    const Applied whole = apply(setting, weights, piece(x, 0, kWhole), false);
    const Applied before = apply(setting, weights, piece(x, 0, kBefore), false);
    CHECK(before.outputs.at("state.tokens").values == std::vector<float>{kBefore});

    HostTensors input = piece(x, kBefore, kWhole);
    for (const auto& [name, tensor] : before.outputs) {
      if (name.starts_with("state.")) input[name] = tensor;
    }
    const auto expected = std::span(whole.outputs.at("y").values).subspan(kBefore * kWidth);
    const Applied after = apply(setting, weights, input, false);
    CHECK(distance(after.outputs.at("y").values, expected) < 1e-5);
    CHECK(after.outputs.at("state.tokens").values == std::vector<float>{kWhole});

    HostTensors lost = input;
    lost.erase("state.tokens");
    if (mixer.positional) {
      CHECK_THROWS_WITH_AS(apply(setting, weights, lost, false),
                           doctest::Contains("Add the tensor \"state.tokens\" of shape [1]"), Error);
    } else {
      CHECK(distance(apply(setting, weights, lost, false).outputs.at("y").values, expected) < 1e-5);
    }
    ApplySetting known = setting;
    known.tokens = kBefore;  // as metadata says it
    CHECK(distance(apply(known, weights, lost, false).outputs.at("y").values, expected) < 1e-5);
    known.tokens = kBefore + 1;
    CHECK_THROWS_WITH_AS(apply(known, weights, input, false), doctest::Contains("says 7 tokens were read"),
                         Error);
  }
}

TEST_CASE("apply: a position is a whole number of tokens") {
  const ApplySetting setting = setting_of(kMixers[0]);
  for (const float bad : {-1.0F, 0.5F, 1e30F, std::numeric_limits<float>::quiet_NaN()}) {
    HostTensors input = {{"x", numbers({1, 2, kWidth}, "x", 1)}, {"state.tokens", {{1}, {bad}}}};
    CHECK_THROWS_WITH_AS(apply(setting, weights_of(setting), input, false),
                         doctest::Contains("should hold a number of tokens"), Error);
  }
}

TEST_CASE("apply: a complaint about weights says where they are listed") {
  const ApplySetting setting = setting_of(kMixers[0]);
  HostTensors weights = weights_of(setting);
  weights.erase("wq");
  CHECK_THROWS_WITH_AS(apply(setting, weights, {{"x", numbers({1, 2, kWidth}, "x", 1)}}, false),
                       doctest::Contains("seqbench describe '{\"name\":\"retention\",\"heads\":2}'"), Error);
}

}  // namespace
}  // namespace seqbench::test
