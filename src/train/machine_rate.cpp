#include "train/machine_rate.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <numeric>
#include <vector>

#include "base/machine.h"
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

double bandwidth_of_one(std::size_t bytes) {
  const std::size_t count = bytes / (3 * sizeof(float));
  const Floats a(count);
  const Floats b(count);
  const Floats c(count);
  const double seconds = median_seconds([&] {
    for (std::size_t i = 0; i < count; ++i) a.data[i] = b.data[i] + 3.0F * c.data[i];
  });
  return 1e-9 * static_cast<double>(count * 3 * sizeof(float)) / seconds;
}

// Threads beyond the cores take turns on them: together they do what the cores do.
int threads_at_work(int threads) { return std::min(threads, core_count()); }

template <class F>
double on_all(int threads, const F& rate) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  parallel_for(threads, threads, [&](int, std::int64_t i) { rates[static_cast<std::size_t>(i)] = rate(); });
  return std::accumulate(rates.begin(), rates.end(), 0.0);
}

}  // namespace

double gemm_gflops(int threads) { return on_all(threads_at_work(threads), gflops_of_one); }

std::int64_t bandwidth_bytes(int threads, std::int64_t available) {
  constexpr std::int64_t kMiB = 1 << 20;
  const std::int64_t share = std::min(1024 * kMiB, available / 4) / threads;
  return std::clamp(share, kMiB, 64 * kMiB);
}

double bandwidth_gbs(int threads) {
  const int workers = threads_at_work(threads);
  const auto bytes = static_cast<std::size_t>(bandwidth_bytes(workers, available_memory()));
  return on_all(workers, [&] { return bandwidth_of_one(bytes); });
}

}  // namespace seqbench
