#include "base/random.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <set>
#include <vector>

namespace seqbench {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Philox4x32-10 from its paper's definition.
Words naive_philox(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
               static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key = {key[0] + 0x9E3779B9, key[1] + 0xBB67AE85};
  }
  return counter;
}

std::vector<std::uint32_t> words(Random random, int count) {
  std::vector<std::uint32_t> drawn;
  for (int i = 0; i < count; ++i) drawn.push_back(random.next());
  return drawn;
}

TEST_CASE("random: the naive generator gives the known answers of Random123") {
  CHECK(naive_philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(naive_philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(naive_philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("random: a stream is Philox of seed, purpose and index") {
  const std::uint64_t seed = 0x0123456789abcdefULL;
  const std::uint64_t index = 0xfedcba9876543210ULL;
  const std::uint64_t named = hash_of("some purpose");
  std::vector<std::uint32_t> wanted;
  for (std::uint32_t block = 0; block < 3; ++block) {
    const Words four =
        naive_philox({block, 0x76543210, 0xfedcba98,
                      static_cast<std::uint32_t>(named) ^ static_cast<std::uint32_t>(named >> 32)},
                     {0x89abcdef, 0x01234567});
    wanted.insert(wanted.end(), four.begin(), four.end());
  }
  CHECK(words(Random(seed, "some purpose", index), 12) == wanted);
}

TEST_CASE("random: FNV-1a gives its known answers") {
  CHECK(hash_of("") == 0xcbf29ce484222325ULL);
  CHECK(hash_of("a") == 0xaf63dc4c8601ec8cULL);
  CHECK(hash_of("foobar") == 0x85944171f73967e8ULL);
  CHECK(hash_of("bar", hash_of("foo")) == hash_of("foobar"));
}

TEST_CASE("random: streams that differ in seed, purpose or index differ") {
  std::set<std::vector<std::uint32_t>> streams;
  int made = 0;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
    for (const char* purpose : {"", "mqar.train", "mqar.valid", "mqar.test"}) {
      for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{1} << 32}) {
        streams.insert(words(Random(seed, purpose, index), 4));
        ++made;
      }
    }
  }
  CHECK(static_cast<int>(streams.size()) == made);
}

TEST_CASE("random: below is uniform, without the bias of a remainder") {
  Random random(1, "below");
  std::array<int, 6> counts = {};
  for (int i = 0; i < 60000; ++i) ++counts.at(random.below(6));
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - 10000.0) * (count - 10000.0) / 10000.0;
  CHECK(chi_square > 0);
  CHECK(chi_square < 20.5);  // 99.9% of chi-square with 5 degrees of freedom

  // 64 bits modulo 3 * 2^62 would fall below 2^62 half of the time; the right share is a third.
  int low = 0;
  for (int i = 0; i < 10000; ++i)
    low += random.below(std::uint64_t{3} << 62) < std::uint64_t{1} << 62 ? 1 : 0;
  CHECK(low > 3333 - 200);
  CHECK(low < 3333 + 200);
  for (int i = 0; i < 100; ++i) CHECK(random.below(1) == 0);
}

TEST_CASE("random: uniform is in [0, 1), flat, with 53 bits") {
  Random random(2, "uniform");
  constexpr int kDraws = 100000;
  double sum = 0;
  double squares = 0;
  bool low_bit = false;
  for (int i = 0; i < kDraws; ++i) {
    const double u = random.uniform();
    REQUIRE(u >= 0);
    REQUIRE(u < 1);
    sum += u;
    squares += u * u;
    low_bit = low_bit || std::fmod(u * 0x1p53, 2.0) == 1.0;
  }
  CHECK(sum / kDraws == doctest::Approx(0.5).epsilon(0.01));
  CHECK(squares / kDraws == doctest::Approx(1.0 / 3).epsilon(0.01));
  CHECK(low_bit);
}

TEST_CASE("random: normal has the moments and the tails of a standard normal") {
  Random random(3, "normal");
  constexpr int kDraws = 200000;
  std::array<double, 5> moments = {};
  int beyond_two = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double x = random.normal();
    REQUIRE(std::isfinite(x));
    for (int power = 1; power <= 4; ++power) moments[power] += std::pow(x, power) / kDraws;
    beyond_two += std::abs(x) > 2 ? 1 : 0;
  }
  CHECK(std::abs(moments[1]) < 0.012);  // five standard errors each
  CHECK(moments[2] == doctest::Approx(1.0).epsilon(0.016));
  CHECK(std::abs(moments[3]) < 0.044);
  CHECK(moments[4] == doctest::Approx(3.0).epsilon(0.04));
  CHECK(static_cast<double>(beyond_two) / kDraws == doctest::Approx(0.0455).epsilon(0.05));
}

}  // namespace
}  // namespace seqbench
