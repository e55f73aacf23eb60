#include "kernels/isa.h"

#include <hwy/targets.h>

#include "kernels/matmul.h"

namespace seqbench::kernels {

std::vector<std::string> isa_names() { return {"native", "avx2", "scalar"}; }

void cap_isa(const std::string& name) {
  if (name == "native") return;
  const bool avx2 = name == "avx2";
  const std::int64_t portable = HWY_SCALAR | HWY_EMU128;
  hwy::DisableTargets(~(portable | (avx2 ? HWY_AVX2 : 0)));
  cap_matmul_isa(avx2);
}

}  // namespace seqbench::kernels
