#include "kernels/sparsek_projection.h"

#include <numeric>

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

using kernels::sparsek;
using kernels::SparsekThreshold;

double sum_at(const std::vector<double>& z, double tau) {
  double sum = 0;
  for (const double score : z) sum += std::clamp(score - tau, 0.0, 1.0);
  return sum;
}

// tau by halving an interval that holds it, until it is as narrow as doubles go.
double bisection(const std::vector<double>& z, std::int64_t k) {
  double low = *std::ranges::min_element(z) - 1;
  double high = *std::ranges::max_element(z);
  for (int step = 0; step < 200; ++step) {
    const double middle = (low + high) / 2;
    (sum_at(z, middle) >= static_cast<double>(k) ? low : high) = middle;
  }
  return low;
}

std::vector<double> clipped(const std::vector<double>& z, double tau) {
  std::vector<double> p(z.size());
  std::ranges::transform(z, p.begin(), [&](double score) { return std::clamp(score - tau, 0.0, 1.0); });
  return p;
}

TEST_CASE("sparsek: the projection is that of bisection") {
  for (const std::int64_t size : {2, 3, 9, 40, 300}) {
    for (const std::int64_t k : {1, 2, 8, 39}) {
      for (const double scale : {0.01, 0.5, 3.0}) {
        if (k >= size) continue;
        CAPTURE(size);
        CAPTURE(k);
        CAPTURE(scale);
        const auto z = random_vector<double>(size, static_cast<std::uint64_t>(100 * size + k), scale);
        const auto p = sparsek(z, k);
        CHECK(std::accumulate(p.begin(), p.end(), 0.0) ==
              doctest::Approx(static_cast<double>(k)).epsilon(1e-12));
        CHECK(max_difference(p, clipped(z, bisection(z, k))) < 1e-12);
      }
    }
  }
}

TEST_CASE("sparsek: k scores or fewer are kept whole, and ties share") {
  CHECK(sparsek({3, -7}, 2) == std::vector<double>{1, 1});
  CHECK(sparsek({}, 2).empty());
  CHECK(max_difference(sparsek({2, 2, 2, 2}, 1), std::vector<double>(4, 0.25)) < 1e-15);
  CHECK(sparsek({9, 5, 0}, 2) == std::vector<double>{1, 1, 0});
}

TEST_CASE("sparsek: the Jacobian is that of finite differences") {
  for (const std::int64_t k : {1, 3, 6}) {
    auto z = random_vector<double>(12, 5);
    const auto dp = random_vector<double>(12, 6);
    const auto loss = [&] { return dot(sparsek(z, k), dp); };
    const auto p = sparsek(z, k);
    REQUIRE(std::ranges::count_if(p, [](double x) { return 0 < x && x < 1; }) > 1);
    CHECK(max_difference(kernels::sparsek_backward(p, dp), numeric_gradient(z, loss)) < 1e-8);
  }
}

struct Stream {
  const char* name;
  std::vector<double> z;
};

std::vector<Stream> streams(std::int64_t count) {
  const auto noise = random_vector<double>(count, 11, 0.7);
  std::vector<Stream> all = {{"random", noise}, {"slope", noise}, {"rising", noise},  {"falling", noise},
                             {"tied", noise},   {"wide", noise},  {"constant", noise}};
  std::ranges::sort(all[2].z);
  std::ranges::sort(all[3].z, std::greater<>());
  for (std::size_t j = 0; j < noise.size(); ++j) {
    all[1].z[j] += 1e-2 * static_cast<double>(j);
    all[4].z[j] = std::round(2 * noise[j]) / 2;
    all[5].z[j] *= 30;
    all[6].z[j] = 0.3;
  }
  return all;
}

TEST_CASE("sparsek: tau kept up from score to score is that of all scores so far, and never falls") {
  for (const Stream& stream : streams(300)) {
    for (const std::int64_t k : {1, 4, 32}) {
      CAPTURE(stream.name);
      CAPTURE(k);
      SparsekThreshold threshold(k);
      std::vector<double> seen;
      std::vector<int> moved(stream.z.size());  // 0: p is 1, 1: between, 2: p is 0
      for (std::size_t j = 0; j < stream.z.size(); ++j) {
        const double before = threshold.value();
        threshold.insert(stream.z[j], static_cast<std::int32_t>(j));
        seen.push_back(stream.z[j]);
        REQUIRE(threshold.value() >= before);
        for (const std::int32_t id : threshold.faded()) REQUIRE(moved[static_cast<std::size_t>(id)]++ == 0);
        for (const std::int32_t id : threshold.dropped()) REQUIRE(moved[static_cast<std::size_t>(id)]++ == 1);
        const auto p = sparsek(seen, k);
        REQUIRE(max_difference(clipped(seen, threshold.value()), p) < 1e-12);
        REQUIRE(threshold.active() ==
                std::count(moved.begin(), moved.begin() + static_cast<std::ptrdiff_t>(j) + 1, 1));
        for (std::size_t i = 0; i <= j; ++i) {
          if (moved[i] == 0) REQUIRE(p[i] > 1 - 1e-12);
          if (moved[i] == 2) REQUIRE(p[i] < 1e-12);
        }
      }
    }
  }
}

double drift(const std::vector<double>& z) {
  SparsekThreshold threshold(16);
  for (std::size_t j = 0; j < z.size(); ++j) threshold.insert(z[j], static_cast<std::int32_t>(j));
  return max_difference(clipped(z, threshold.value()), sparsek(z, 16));
}

TEST_CASE("sparsek: tau does not drift over many scores") {
  // With a slope scores reach 1000, which a double holds to 1e-13, and the sum of all that are active to
  // 4e-12; 1e5 equal scores are all active.
  for (const Stream& stream : streams(100000)) {
    CAPTURE(stream.name);
    CHECK(drift(stream.z) < 1e-11);
  }
  // Scores reach 5000: 1e-12. Without a new sum now and then a million updates lose 3e-11.
  auto rising = random_vector<double>(1000000, 12, 0.7);
  for (std::size_t j = 0; j < rising.size(); ++j) rising[j] += 5e-3 * static_cast<double>(j);
  CHECK(drift(rising) < 5e-12);
}

TEST_CASE("sparsek: scores that are not numbers end the update like any other") {
  SparsekThreshold threshold(2);
  for (const double z : {0.0, std::nan(""), 1.0, HUGE_VAL, std::nan(""), -HUGE_VAL, 2.0, HUGE_VAL, HUGE_VAL})
    threshold.insert(z, 0);
  CHECK(threshold.active() >= 0);
}

}  // namespace
}  // namespace seqbench::test
