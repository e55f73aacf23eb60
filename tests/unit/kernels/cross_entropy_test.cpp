#include "kernels/cross_entropy.h"

#include "unit/kernels/support.h"

namespace seqbench::test {
namespace {

constexpr std::int64_t kRows = 4;

std::vector<std::int32_t> labels_for(std::int64_t vocab) {
  std::vector<std::int32_t> labels;
  Random random(11, "test.labels");
  for (std::int64_t r = 0; r < kRows; ++r) {
    labels.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab))));
  }
  return labels;
}

template <class T>
struct Scored {
  std::vector<T> logits;
  std::vector<double> loss = std::vector<double>(kRows);
  std::vector<std::int32_t> best = std::vector<std::int32_t>(kRows, -1);

  Scored(std::vector<T> from, const std::vector<std::int32_t>& labels, bool gradient)
      : logits(std::move(from)) {
    kernels::cross_entropy(kRows, static_cast<std::int64_t>(logits.size()) / kRows, logits.data(),
                           labels.data(), loss.data(), best.data(), gradient);
  }
};

TEST_CASE("cross_entropy: loss, best and gradient agree with their oracle on every target") {
  std::vector<std::int64_t> sizes = widths();
  sizes.insert(sizes.end(), {256, 8192});
  for (const std::int64_t vocab : sizes) {
    CAPTURE(vocab);
    const auto logits = random_vector<double>(kRows * vocab, 1, 4);
    const auto labels = labels_for(vocab);
    const Scored<double> oracle(logits, labels, true);
    if (vocab > 2) REQUIRE(spread(oracle.loss) > 0.1);
    if (vocab > 1) REQUIRE(spread(oracle.logits) > 1e-3);
    for_each_target([&] {
      const Scored<float> fast(converted<float>(logits), labels, true);
      // sums of vocab numbers, one after the other in the narrowest vectors
      const double sum_error = kFloatEps * (8 + std::sqrt(static_cast<double>(vocab)));
      CHECK(max_difference(fast.loss, oracle.loss) < sum_error * (1 + largest(logits)));
      CHECK(max_difference(fast.logits, oracle.logits) < sum_error);
      CHECK(fast.best == oracle.best);
      const Scored<float> only_loss(converted<float>(logits), labels, false);
      CHECK(only_loss.logits == converted<float>(logits));
      CHECK(only_loss.loss == fast.loss);
      CHECK(only_loss.best == fast.best);
    });
  }
}

TEST_CASE("cross_entropy: the gradient is that of finite differences") {
  const std::int64_t vocab = 9;
  auto logits = random_vector<double>(kRows * vocab, 2);
  const auto labels = labels_for(vocab);
  const auto total = [&] {
    return dot(Scored<double>(logits, labels, false).loss, std::vector<double>(kRows, 1.0));
  };
  const Scored<double> scored(logits, labels, true);
  CHECK(max_error(scored.logits, numeric_gradient(logits, total)) < 1e-7);
  REQUIRE(spread(scored.logits) > 0.1);
}

TEST_CASE("cross_entropy: of equal largest logits the first is best") {
  for (const std::int64_t vocab : {5, 16, 40, 257}) {
    for (const std::int64_t at : {std::int64_t{0}, vocab / 2, vocab - 2}) {
      CAPTURE(vocab);
      CAPTURE(at);
      auto logits = random_vector<float>(kRows * vocab, 3);
      for (std::int64_t r = 0; r < kRows; ++r) {
        logits[static_cast<std::size_t>(r * vocab + at)] = 50;
        logits[static_cast<std::size_t>(r * vocab + vocab - 1)] = 50;
      }
      for_each_target([&] {
        const Scored<float> scored(logits, labels_for(vocab), true);
        CHECK(scored.best == std::vector<std::int32_t>(kRows, static_cast<std::int32_t>(at)));
      });
    }
  }
}

TEST_CASE("cross_entropy: logits far apart or far from 0 neither overflow nor lose the loss") {
  for (const std::int64_t vocab : {21, 256}) {
    auto logits = random_vector<double>(kRows * vocab, 4, 60);
    for (std::size_t i = 0; i < logits.size(); ++i) logits[i] += i % 2 == 0 ? 512 : -512;
    const auto labels = labels_for(vocab);
    const Scored<double> oracle(logits, labels, true);
    REQUIRE(spread(oracle.loss) > 10);
    for_each_target([&] {
      const Scored<float> fast(converted<float>(logits), labels, true);
      CHECK(max_difference(fast.loss, oracle.loss) < 2 * kFloatEps * largest(logits));
      CHECK(max_difference(fast.logits, oracle.logits) < 256 * kFloatEps);
    });
  }
}

TEST_CASE("cross_entropy: a NaN or an infinity in a row makes its loss not finite and no label right, and no other's") {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity}) {
    for (const std::int64_t vocab : {5, 16, 40, 257}) {
      for (std::int64_t at = 0; at < vocab; at += 3) {
        CAPTURE(bad);
        CAPTURE(vocab);
        CAPTURE(at);
        for_each_target([&] {
          auto logits = random_vector<float>(kRows * vocab, 5);
          logits[static_cast<std::size_t>(vocab + at)] = bad;
          const Scored<float> scored(logits, labels_for(vocab), true);
          CHECK(!std::isfinite(scored.loss[1]));
          CHECK(scored.best[1] == -1);
          for (const std::size_t other : {0, 2, 3}) CHECK(std::isfinite(scored.loss[other]));
        });
        auto logits = random_vector<double>(kRows * vocab, 5);
        logits[static_cast<std::size_t>(vocab + at)] = static_cast<double>(bad);
        const Scored<double> oracle(logits, labels_for(vocab), true);
        CHECK(!std::isfinite(oracle.loss[1]));
        CHECK(oracle.best[1] == -1);
      }
    }
  }
}

TEST_CASE("cross_entropy: results do not depend on where the numbers lie") {
  for (const std::int64_t vocab : {7, 19, 257}) {
    for_each_target([&] {
      const auto logits = random_vector<float>(kRows * vocab, 6, 3);
      const auto labels = labels_for(vocab);
      const Scored<float> here(logits, labels, true);
      Misaligned<float> moved(logits);
      std::vector<double> loss(kRows);
      std::vector<std::int32_t> best(kRows);
      kernels::cross_entropy(kRows, vocab, moved.data(), labels.data(), loss.data(), best.data(), true);
      CHECK(moved.values() == here.logits);
      CHECK(loss == here.loss);
      CHECK(best == here.best);
    });
  }
}

}  // namespace
}  // namespace seqbench::test
