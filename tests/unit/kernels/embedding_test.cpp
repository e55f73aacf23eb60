#include "kernels/embedding.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

const std::vector<std::int32_t> kTokens = {4, 0, 4, 2, 4};  // one of them three times, two never
constexpr std::int64_t kVocab = 6;
const auto kCount = static_cast<std::int64_t>(kTokens.size());

TEST_CASE("embedding: gather_rows copies the rows named, on every target") {
  for (const std::int64_t width : widths()) {
    CAPTURE(width);
    const auto table = random_vector<float>(kVocab * width, 1);
    std::vector<float> expected;
    for (const std::int32_t token : kTokens) {
      expected.insert(expected.end(), table.begin() + token * width, table.begin() + (token + 1) * width);
    }
    REQUIRE(spread(expected) > 0.05);
    for_each_target([&] {
      Misaligned<float> from(table), to(std::vector<float>(expected.size()));
      kernels::gather_rows(kCount, width, kTokens.data(), from.data(), to.data());
      CHECK(to.values() == expected);
    });
  }
}

TEST_CASE("embedding: scatter_rows adds in the order of the rows, on every target") {
  for (const std::int64_t width : widths()) {
    CAPTURE(width);
    const auto table = random_vector<float>(kVocab * width, 2);
    auto rows = random_vector<float>(kCount * width, 3);
    for (std::int64_t c = 0; c < width; ++c)
      rows[static_cast<std::size_t>(c)] *= 1e4F;  // another order, other bits
    std::vector<float> expected = table;
    for (std::int64_t i = 0; i < kCount * width; ++i) {
      const std::int64_t row = kTokens[static_cast<std::size_t>(i / width)];
      expected[static_cast<std::size_t>(row * width + i % width)] += rows[static_cast<std::size_t>(i)];
    }
    REQUIRE(spread(expected) > 1);
    for_each_target([&] {
      Misaligned<float> to(table), from(rows);
      kernels::scatter_rows(kCount, width, kTokens.data(), from.data(), to.data());
      CHECK(to.values() == expected);
    });
  }
}

TEST_CASE("embedding: scatter_rows is the gradient of gather_rows") {
  const std::int64_t width = 3;
  auto table = random_vector<double>(kVocab * width, 4);
  const auto dy = random_vector<double>(kCount * width, 5);
  std::vector<double> y(dy.size()), gradient(table.size());
  kernels::scatter_rows(kCount, width, kTokens.data(), dy.data(), gradient.data());
  CHECK(max_error(gradient, numeric_gradient(table, [&] {
                    kernels::gather_rows(kCount, width, kTokens.data(), table.data(), y.data());
                    return dot(dy, y);
                  })) < 1e-7);
  REQUIRE(spread(gradient) > 0.1);
}

}  // namespace
}  // namespace seqbench::test
