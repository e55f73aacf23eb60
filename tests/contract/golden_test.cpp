// Every file of tests/golden holds a mechanism's weights, inputs, outputs and gradients as an independent
// implementation in PyTorch computed them in f64 (tools/fixtures): every form must agree with it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "experiment/apply.h"
#include "experiment/spec.h"
#include "mechanism/mechanism.h"

namespace seqbench::test {
namespace {

// The tensors whose names begin with `prefix`, without it.
HostTensors inside(const HostTensors& all, const std::string& prefix) {
  HostTensors tensors;
  for (const auto& [name, tensor] : all) {
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = tensor;
  }
  return tensors;
}

double norm(const std::vector<float>& x) {
  double sum = 0;
  for (const float v : x) sum += static_cast<double>(v) * static_cast<double>(v);
  return std::sqrt(sum);
}

// |got - expected|, both of one shape.
double distance(const HostTensor& got, const HostTensor& expected) {
  REQUIRE(got.shape == expected.shape);
  std::vector<float> off = got.values;
  for (std::size_t i = 0; i < off.size(); ++i) off[i] -= expected.values[i];
  return norm(off);
}

// A tensor whose terms cancel to less than a hundredth of the largest (mLSTM's input bias, of which h only
// sees differences) has its digits measured against that hundredth.
void expect_same(const HostTensors& got, const HostTensors& expected) {
  double largest = 0;
  for (const auto& [name, tensor] : expected) largest = std::max(largest, norm(tensor.values));
  for (const auto& [name, tensor] : expected) {
    CAPTURE(name);
    REQUIRE(got.contains(name));
    CHECK(distance(got.at(name), tensor) <= 1e-5 * std::max(norm(tensor.values), 0.01 * largest));
  }
}

HostTensors input_of(const HostTensors& file) {
  HostTensors input;
  for (const auto& [name, tensor] : file) {
    if (name == "x" || name == "dy" || name.starts_with("state.") || name.starts_with("d_state.")) {
      input[name] = tensor;
    }
  }
  return input;
}

void expect_golden(const std::filesystem::path& path) {
  const TensorFile file = read_safetensors(path);
  const auto number = [&](const char* key) { return std::stoll(file.metadata.at(key)); };
  ApplySetting setting;
  setting.mixer =
      parse_mixer(file.metadata.at("mechanism"), file.metadata.at("options"), path.filename().string());
  setting.length = number("length");
  setting.layer = number("layer");
  setting.layers = number("layers");
  setting.tokens = number("tokens");
  HostTensors gradients = inside(file.tensors, "grad.weights.");
  for (const auto& [name, tensor] : inside(file.tensors, "grad.state.")) gradients["state." + name] = tensor;
  gradients["x"] = file.tensors.at("grad.x");
  HostTensors outputs = {{"y", file.tensors.at("y")}};
  for (const auto& [name, tensor] : inside(file.tensors, "end_state.")) outputs["state." + name] = tensor;

  for (const Form form : mechanisms().find(setting.mixer.name, "").forms) {
    setting.form = name_of(form);
    CAPTURE(setting.form);
    const Applied applied =
        apply(setting, inside(file.tensors, "weights."), input_of(file.tensors), /*with_gradients=*/true);
    REQUIRE(norm(applied.outputs.at("y").values) > 0.01);
    expect_same(applied.outputs, outputs);
    expect_same(applied.gradients, gradients);
  }
}

TEST_CASE("golden: outputs, states and gradients agree with PyTorch to 1e-5 of their norm, in every form") {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(SEQBENCH_TESTS "/golden")) {
    if (entry.path().extension() != ".safetensors") continue;
    CAPTURE(entry.path().filename().string());
    expect_golden(entry.path());
    ++files;
  }
  CHECK(files > 0);
}

}  // namespace
}  // namespace seqbench::test
