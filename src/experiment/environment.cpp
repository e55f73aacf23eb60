#include "experiment/environment.h"

#include <fmt/format.h>
#include <hwy/targets.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <vector>

#include "base/machine.h"
#include "commit.h"
#include "kernels/matmul.h"
#include "train/machine_rate.h"

namespace seqbench {
namespace {

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

}  // namespace

std::string best_kernels() {
  const auto targets = hwy::SupportedAndGeneratedTargets();  // the best one first
  return targets.empty() ? "scalar" : hwy::TargetName(targets.front());
}

std::string version_text() { return SEQBENCH_VERSION " (" SEQBENCH_COMMIT ")"; }

Environment measure_environment(int threads, bool rates) {
  Environment environment{.commit = SEQBENCH_COMMIT,
                          .version = SEQBENCH_VERSION,
                          .compiler = compiler(),
                          .cpu = cpu_name(),
                          .isa = instruction_sets(),
                          .kernels = best_kernels(),
                          .onednn = kernels::matmul_library(),
                          .cores = core_count(),
                          .threads = threads};
  if (!rates) return environment;
  environment.gemm_gflops = gemm_gflops(threads);
  environment.bandwidth_gbs = bandwidth_gbs(threads);
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

Environment environment_of(const JsonPart& json) {
  return {.commit = json.at("commit").text(),
          .version = json.at("version").text(),
          .compiler = json.at("compiler").text(),
          .cpu = json.at("cpu").text(),
          .isa = json.at("isa").texts(),
          .kernels = json.at("kernels").text(),
          .onednn = json.at("onednn").text(),
          .cores = static_cast<int>(json.at("cores").whole()),
          .threads = static_cast<int>(json.at("threads").whole()),
          .precision = json.at("precision").text(),
          .gemm_gflops = json.at("gemm_gflops").number(),
          .bandwidth_gbs = json.at("bandwidth_gbs").number()};
}

}  // namespace seqbench
