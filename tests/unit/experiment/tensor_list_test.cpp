#include "experiment/tensor_list.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/error.h"
#include "experiment/describe.h"
#include "experiment/spec.h"
#include "mechanism/mechanism.h"

namespace seqbench::test {
namespace {

const ListedTensor& find(const std::vector<ListedTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &ListedTensor::name);
  REQUIRE(found != tensors.end());
  return *found;
}

TEST_CASE("describe: shapes are written in the width, with the options given") {
  const auto layer =
      list_tensors(parse_mixer(R"({"name": "softmax", "heads": 8, "kv_heads": 2})", "test"))[0];
  CHECK(layer.width == 64);
  CHECK(find(layer.weights, "wq").dims == Texts{"D", "D"});
  CHECK(find(layer.weights, "wk").dims == Texts{"D", "D / 4"});
  CHECK(find(layer.weights, "wk").shape == Shape{64, 16});
  CHECK(find(layer.state, "keys").dims == Texts{"L", "B", "D / 4"});

  const auto retention = list_tensors(parse_mixer("retention", "test"))[0];
  CHECK(find(retention.state, "sums").dims == Texts{"B", "4", "D^2 / 8 + D / 4"});
  CHECK(find(retention.state, "sums").shape == Shape{1, 4, 16 * 33});
  CHECK(find(retention.state, "tokens").layout.ends_with("needed"));
}

TEST_CASE("describe: an example width is one that the options fit") {
  CHECK(list_tensors(parse_mixer(R"({"name": "softmax", "heads": 9})", "test"))[0].width == 72);
  CHECK_THROWS_AS(list_tensors(parse_mixer(R"({"name": "softmax", "heads": 4, "kv_heads": 3})", "test")),
                  Error);
}

TEST_CASE("describe: what a name does not say is said of every gate, tap, gain and state") {
  const auto slstm = list_tensors(parse_mixer("slstm", "test"))[0];
  CHECK(find(slstm.weights, "r").dims == Texts{"4", "D / 4", "D"});
  CHECK(find(slstm.weights, "r").layout.ends_with("columns i, f, z, o"));
  CHECK(find(slstm.weights, "conv.weight").layout.starts_with("row r multiplies x_{t-r}"));
  CHECK(find(slstm.weights, "norm.gain").layout.find("1 + g") != std::string::npos);
  CHECK(find(slstm.weights, "ffn_up").shape == Shape{64, 128});
  for (const MechanismEntry& entry : mechanisms().all()) {
    CAPTURE(entry.name);
    for (const ListedLayer& layer : list_tensors(parse_mixer(entry.name, "test"))) {
      CHECK(!layer.weights.empty());
      for (const ListedTensor& part : layer.state) {
        CAPTURE(part.name);
        CHECK((part.name == "h" || !part.layout.empty()));
      }
    }
  }
}

TEST_CASE("describe: layers of a mechanism that differ are all shown") {
  CHECK(list_tensors(parse_mixer("xlstm", "test")).size() == 2);
  CHECK(list_tensors(parse_mixer("mlstm", "test")).size() == 1);
  const std::string text = describe_text("xlstm");
  CHECK(text.find("kind 2 of layer") != std::string::npos);
  CHECK(describe_json(R"({"name": "lstm"})").find("columns: i, f, g, o") != std::string::npos);
}

}  // namespace
}  // namespace seqbench::test
