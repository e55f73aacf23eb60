#include "experiment/tensor_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <numeric>

#include "base/error.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

constexpr std::int64_t kLeastWidth = 64;
constexpr std::int64_t kMostWidth = 1024;
constexpr std::int64_t kLayers = 16;       // as many as are looked at
constexpr std::int64_t kLength = 1 << 20;  // trained on: no option is refused for it

struct Made {
  Parameters parameters;
  State state;
};

Made made(const MixerSpec& mixer, std::int64_t width, std::int64_t layer, std::int64_t batch) {
  Made made;
  const auto mechanism =
      mechanisms()
          .find(mixer.name, mixer.path)
          .make(mixer.options,
                {.width = width, .layers = kLayers, .layer = layer, .length = kLength, .path = mixer.path},
                ParameterScope(made.parameters, ""));
  made.state = mechanism->empty_state(batch, DType::f32);
  return made;
}

// A multiple of a width that fits fits too.
std::int64_t example_width(const MixerSpec& mixer) {
  for (std::int64_t width = kLeastWidth; width < kMostWidth; ++width) {
    try {
      made(mixer, width, 0, 1);
      return width;
    } catch (const Error&) {
    }
  }
  made(mixer, kMostWidth, 0, 1);
  return kMostWidth;
}

// " + 3 D / 8"
std::string term(std::int64_t count, std::int64_t over, const std::string& of) {
  if (count == 0) return "";
  const std::int64_t common = std::gcd(count, over);
  const std::int64_t top = std::abs(count / common), bottom = over / common;
  std::string text = of.empty() ? std::to_string(top) : top == 1 ? of : fmt::format("{} {}", top, of);
  if (bottom != 1) text += fmt::format(" / {}", bottom);
  return fmt::format(" {} {}", count < 0 ? "-" : "+", text);
}

// Of what it is at the widths w, 2w, 3w and 4w: the polynomial of degree 2 through them.
std::string in_width(const std::array<std::int64_t, 4>& at, std::int64_t w) {
  const std::int64_t bend = at[2] - 2 * at[1] + at[0];        // 2 a w^2 of a D^2 + b D + c
  const std::int64_t slope = 2 * (at[1] - at[0]) - 3 * bend;  // 2 b w
  const std::int64_t rest = at[0] - (at[1] - at[0]) + bend;   // c
  if (at[3] != 3 * at[2] - 3 * at[1] + at[0]) return "n";     // not one
  const std::string text = term(bend, 2 * w * w, "D^2") + term(slope, 2 * w, "D") + term(rest, 1, "");
  return text.empty() ? "0" : text.starts_with(" + ") ? text.substr(3) : text.substr(1);
}

// `shapes`: at the widths w, 2w, 3w and 4w.
Texts dims_of(const std::vector<Shape>& shapes, std::int64_t w) {
  Texts dims;
  for (int i = 0; i < shapes[0].rank(); ++i) {
    dims.push_back(in_width({shapes[0][i], shapes[1][i], shapes[2][i], shapes[3][i]}, w));
  }
  return dims;
}

ListedLayer listed(const MixerSpec& mixer, std::int64_t width, std::int64_t layer) {
  std::vector<Made> at;
  for (std::int64_t times = 1; times <= 4; ++times) at.push_back(made(mixer, times * width, layer, 1));
  const Made two = made(mixer, width, layer, 2);
  ListedLayer list;
  list.width = width;
  for (std::size_t i = 0; i < two.parameters.all().size(); ++i) {
    std::vector<Shape> shapes;
    for (const Made& m : at) shapes.push_back(m.parameters.all()[i].shape);
    const Parameter& parameter = two.parameters.all()[i];
    list.weights.push_back({parameter.name, dims_of(shapes, width), shapes[0], parameter.layout});
  }
  for (std::size_t i = 0; i < two.state.parts.size(); ++i) {
    std::vector<Shape> shapes;
    for (const Made& m : at) shapes.push_back(m.state.parts[i].shape);
    ListedTensor part{two.state.parts[i].name, dims_of(shapes, width), shapes[0], two.state.parts[i].layout};
    for (int dim = 0; dim < shapes[0].rank(); ++dim) {
      if (two.state.parts[i].shape[dim] != shapes[0][dim]) part.dims[static_cast<std::size_t>(dim)] = "B";
    }
    if (shapes[0][0] == 0) part.dims[0] = "L";
    list.state.push_back(std::move(part));
  }
  if (at[0].state.positional || !list.state.empty()) {
    list.state.push_back({"tokens",
                          {"1"},
                          {1},
                          at[0].state.positional ? "how many tokens the state has read; needed"
                                                 : "how many tokens the state has read"});
  }
  return list;
}

Texts names_of(const ListedLayer& layer) {
  Texts names;
  for (const ListedTensor& weight : layer.weights) names.push_back(weight.name);
  return names;
}

}  // namespace

std::vector<ListedLayer> list_tensors(const MixerSpec& mixer) {
  const std::int64_t width = example_width(mixer);
  std::vector<ListedLayer> layers;
  for (std::int64_t layer = 0; layer < kLayers; ++layer) {
    ListedLayer list = listed(mixer, width, layer);
    const auto same = [&](const ListedLayer& other) { return names_of(other) == names_of(list); };
    if (std::ranges::none_of(layers, same)) layers.push_back(std::move(list));
  }
  return layers;
}

}  // namespace seqbench
