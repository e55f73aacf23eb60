#include "experiment/environment.h"

#include <fmt/format.h>
#include <hwy/targets.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>
#include <vector>

#include "base/memory.h"
#include "base/parallel.h"
#include "commit.h"
#include "experiment/statistics.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

constexpr int kRepeats = 5;

// The value of the first line of /proc/cpuinfo that has this key; "" when there is none.
std::string cpu_info(const std::string& key) {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with(key) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "";
}

std::string cpu_name() {
  const std::string name = cpu_info("model name");
  return name.empty() ? "unknown" : name;
}

Texts instruction_sets() {
  std::istringstream words(cpu_info("flags") + " " + cpu_info("Features"));
  Texts found;
  for (std::string word; words >> word;) {
    for (const char* known :
         {"avx", "avx2", "fma", "f16c", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "avx512_fp16",
          "amx_bf16", "amx_int8", "asimd", "sve", "sve2", "bf16"}) {
      if (word == known) found.push_back(word);
    }
  }
  std::ranges::sort(found);
  return found;
}

std::string compiler() {
#ifdef __clang__
  return "Clang " __clang_version__;
#else
  return fmt::format("GCC {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#endif
}

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// Median seconds of `work`, after one call that is not counted.
double median_seconds(const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < kRepeats; ++i) seconds.push_back(seconds_of(work));
  return median(seconds);
}

struct Floats {
  explicit Floats(std::size_t count)
      : memory(allocate_aligned(count * sizeof(float))), data(reinterpret_cast<float*>(memory.get())) {
    std::fill_n(data, count, 1.0F);
  }
  std::unique_ptr<std::byte[], FreeAligned> memory;
  float* data;
};

double gemm_gflops_of_one() {
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

// Sum of what `measure` gives on each of `threads` threads at once.
double on_all(int threads, double (*measure)()) {
  std::vector<double> rates(static_cast<std::size_t>(threads));
  parallel_for(threads, threads,
               [&](int, std::int64_t i) { rates[static_cast<std::size_t>(i)] = measure(); });
  double sum = 0;
  for (const double rate : rates) sum += rate;
  return sum;
}

}  // namespace

std::string best_kernels() {
  const auto targets = hwy::SupportedAndGeneratedTargets();  // the best one first
  return targets.empty() ? "scalar" : hwy::TargetName(targets.front());
}

std::string version_text() { return SEQBENCH_VERSION " (" SEQBENCH_COMMIT ")"; }

int core_count() {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) return CPU_COUNT(&allowed);
  return static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
}

Environment measure_environment(int threads) {
  Environment environment{.commit = SEQBENCH_COMMIT,
                          .version = SEQBENCH_VERSION,
                          .compiler = compiler(),
                          .cpu = cpu_name(),
                          .isa = instruction_sets(),
                          .kernels = best_kernels(),
                          .onednn = kernels::matmul_library(),
                          .cores = core_count(),
                          .threads = threads};
  environment.gemm_gflops = on_all(threads, gemm_gflops_of_one);
  environment.bandwidth_gbs = on_all(threads, bandwidth_of_one);
  return environment;
}

Json json_of(const Environment& e) {
  return {{"commit", e.commit},
          {"version", e.version},
          {"compiler", e.compiler},
          {"cpu", e.cpu},
          {"isa", e.isa},
          {"kernels", e.kernels},
          {"onednn", e.onednn},
          {"cores", e.cores},
          {"threads", e.threads},
          {"precision", e.precision},
          {"gemm_gflops", e.gemm_gflops},
          {"bandwidth_gbs", e.bandwidth_gbs}};
}

Environment environment_of(const Json& json) {
  Environment e;
  json.at("commit").get_to(e.commit);
  json.at("version").get_to(e.version);
  json.at("compiler").get_to(e.compiler);
  json.at("cpu").get_to(e.cpu);
  json.at("isa").get_to(e.isa);
  json.at("kernels").get_to(e.kernels);
  json.at("onednn").get_to(e.onednn);
  json.at("cores").get_to(e.cores);
  json.at("threads").get_to(e.threads);
  json.at("precision").get_to(e.precision);
  json.at("gemm_gflops").get_to(e.gemm_gflops);
  json.at("bandwidth_gbs").get_to(e.bandwidth_gbs);
  return e;
}

}  // namespace seqbench
