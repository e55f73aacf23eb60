#include "experiment/doctor.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "experiment/table.h"

namespace seqbench {

std::string doctor_text(const Environment& e) {
  Table table;
  table.add_column("", Align::left);
  table.add_column("", Align::left);
  const std::string on_threads = fmt::format(", {} thread{}", e.threads, e.threads == 1 ? "" : "s");
  table.add_row({"seqbench", fmt::format("{} ({})", e.version, e.commit)});
  table.add_row({"compiler", e.compiler});
  table.add_row({"cpu", e.cpu});
  table.add_row({"cores", std::to_string(e.cores)});
  table.add_row({"instruction sets", fmt::format("{}", fmt::join(e.isa, " "))});
  table.add_row({"vector kernels", "Highway " + e.kernels});
  table.add_row({"matrix products", e.onednn});
  table.add_row(
      {"GEMM rate", fmt::format("{:.0f} GFLOP/s (f32, 512 x 512 x 512{})", e.gemm_gflops, on_threads)});
  table.add_row({"bandwidth", fmt::format("{:.1f} GB/s (triad{})", e.bandwidth_gbs, on_threads)});
  return table.text();
}

std::string doctor_json(const Environment& environment) { return json_of(environment).dump(2) + "\n"; }

}  // namespace seqbench
