#include "train/machine_rate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <vector>

#include "base/memory.h"
#include "base/parallel.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

constexpr int kRepeats = 5;

// Median seconds of `work`, after one call that is not counted.
template <class F>
double median_seconds(const F& work) {
  work();
  std::array<double, kRepeats> seconds;
  for (double& s : seconds) {
    const auto start = std::chrono::steady_clock::now();
    work();
    s = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  std::ranges::nth_element(seconds, seconds.begin() + kRepeats / 2);
  return seconds[kRepeats / 2];
}

struct Floats {
  explicit Floats(std::size_t count)
      : memory(allocate_aligned(count * sizeof(float))), data(reinterpret_cast<float*>(memory.get())) {
    std::fill_n(data, count, 1.0F);
  }
  std::unique_ptr<std::byte[], FreeAligned> memory;
  float* data;
};

double gflops_of_one() {
  constexpr std::int64_t kSize = 512;
  const Floats a(kSize * kSize);
  const Floats b(kSize * kSize);
  const Floats c(kSize * kSize);
  const Matmul shape = {.m = kSize, .n = kSize, .k = kSize};
  const double seconds = median_seconds([&] { kernels::matmul(shape, a.data, b.data, c.data); });
  return 2e-9 * static_cast<double>(kSize * kSize * kSize) / seconds;
}

// Three arrays of 64 MiB together per thread: several times the last-level cache that a core has for itself,
// and little enough for a machine of many cores.
double bandwidth_of_one() {
  constexpr std::size_t kCount = (std::size_t{64} << 20) / (3 * sizeof(float));
  const Floats a(kCount);
  const Floats b(kCount);
  const Floats c(kCount);
  const double seconds = median_seconds([&] {
    for (std::size_t i = 0; i < kCount; ++i) a.data[i] = b.data[i] + 3.0F * c.data[i];
  });
  return 1e-9 * static_cast<double>(kCount * 3 * sizeof(float)) / seconds;
}

double on_all(int threads, double (*rate)()) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  parallel_for(threads, threads, [&](int, std::int64_t i) { rates[static_cast<std::size_t>(i)] = rate(); });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

double gemm_gflops(int threads) { return on_all(threads, gflops_of_one); }

double bandwidth_gbs(int threads) { return on_all(threads, bandwidth_of_one); }

}  // namespace seqbench
