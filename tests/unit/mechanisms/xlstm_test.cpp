// Which block xlstm has where, and what the three mechanisms refuse.
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
