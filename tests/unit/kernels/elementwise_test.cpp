#include "kernels/elementwise.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

TEST_CASE("elementwise: add, add_to and add_bias are exactly those of their oracle on every target") {
  for (const std::int64_t width : widths()) {
    CAPTURE(width);
    const std::int64_t rows = 3;
    const auto a = random_vector<float>(rows * width, 1);
    const auto b = random_vector<float>(rows * width, 2);
    std::vector<float> sum(a.size()), biased(a.size());
    naive::add(rows * width, a.data(), b.data(), sum.data());
    naive::add_bias(rows, width, a.data(), b.data(), biased.data());
    REQUIRE(spread(sum) > 0.2);
    for_each_target([&] {
      Misaligned<float> x(a), y(b), out(std::vector<float>(a.size()));
      kernels::add(rows * width, x.data(), y.data(), out.data());
      CHECK(out.values() == sum);
      kernels::add_bias(rows, width, x.data(), y.data(), out.data());
      CHECK(out.values() == biased);
      kernels::add_to(rows * width, x.data(), y.data(), true);
      CHECK(y.values() == sum);
      kernels::add_to(rows * width, x.data(), y.data(), false);
      CHECK(y.values() == a);
    });
  }
}

TEST_CASE("elementwise: column_sum agrees with its oracle on every target") {
  const std::int64_t rows = 37;
  for (const std::int64_t width : widths()) {
    for (const bool accumulate : {false, true}) {
      CAPTURE(width);
      CAPTURE(accumulate);
      const auto x = random_vector<double>(rows * width, 3);
      const auto start = random_vector<double>(width, 4);
      std::vector<double> expected = start;
      kernels::column_sum(rows, width, x.data(), expected.data(), accumulate);
      REQUIRE(norm(expected) > 0.5);
      for_each_target([&] {
        Misaligned<float> in(converted<float>(x)), sum(converted<float>(start));
        kernels::column_sum(rows, width, in.data(), sum.data(), accumulate);
        CHECK(max_difference(sum.values(), expected) < rows * kFloatEps * largest(x));
      });
    }
  }
}

TEST_CASE("elementwise: sum_lanes adds in the order of the lanes, on every target") {
  for (const std::int64_t count : widths()) {
    CAPTURE(count);
    // Sizes that differ by 1e4, so that another order gives other bits.
    const auto a = random_vector<float>(count, 5), b = random_vector<float>(count, 6, 1e4);
    const auto c = random_vector<float>(count, 7, 1e-3), d = random_vector<float>(count, 8, 1e2);
    std::vector<float> expected(a.size());
    const std::vector<const float*> plain = {a.data(), b.data(), c.data(), d.data()};
    naive::sum_lanes(count, std::int64_t{4}, plain.data(), 0.3F, expected.data());
    REQUIRE(norm(expected) > 10);
    for_each_target([&] {
      Misaligned<float> a1(a), b1(b), c1(c), d1(d), out(std::vector<float>(a.size()));
      const std::vector<const float*> parts = {a1.data(), b1.data(), c1.data(), d1.data()};
      kernels::sum_lanes(count, 4, parts.data(), 0.3F, out.data());
      CHECK(out.values() == expected);
      kernels::sum_lanes(count, 1, parts.data(), 1.0F, out.data());
      CHECK(out.values() == a);
    });
  }
}

TEST_CASE("elementwise: squared_sum agrees with its oracle on every target") {
  std::vector<std::int64_t> counts = widths();
  counts.insert(counts.end(), {4096, 4097, 20011});  // more than one block of partial sums
  for (const std::int64_t count : counts) {
    CAPTURE(count);
    const auto x = random_vector<float>(count, 9);
    const double expected = naive::squared_sum(count, x.data());
    REQUIRE(expected > 0.01);
    for_each_target([&] {
      Misaligned<float> in(x);
      const double got = kernels::squared_sum(count, in.data());
      CHECK(std::abs(got - expected) < 64 * kFloatEps * expected);
      CHECK(got == kernels::squared_sum(count, x.data()));
    });
  }
}

TEST_CASE("elementwise: multiply agrees with its oracle on every target") {
  for (const std::int64_t count : widths()) {
    for (const bool accumulate : {false, true}) {
      const auto a = random_vector<double>(count, 1);
      const auto b = random_vector<double>(count, 2);
      auto expected = random_vector<double>(count, 3);
      kernels::multiply(count, a.data(), b.data(), expected.data(), accumulate);
      for_each_target([&] {
        const auto a32 = converted<float>(a);
        const auto b32 = converted<float>(b);
        auto y = random_vector<float>(count, 3);
        kernels::multiply(count, a32.data(), b32.data(), y.data(), accumulate);
        CHECK(max_difference(y, expected) < 2 * kFloatEps * (1 + largest(expected)));
      });
    }
  }
}

}  // namespace
}  // namespace seqbench::test
