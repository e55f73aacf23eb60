#include "proof/check.h"

#include "base/parallel.h"
#include "kernels/matmul.h"

namespace seqbench::proof {

std::vector<Checked> check(const std::vector<Case>& cases, const std::vector<const Proof*>& chosen,
                           int threads, const std::function<void(const Checked&)>& report) {
  kernels::use_one_thread_per_kernel();
  std::vector<Checked> all;
  for (const Case& of : cases) {
    Subject(of, DType::f32);  // throws now for settings that do not fit
    for (const Proof* proof : chosen) all.push_back({proof, of, {}});
  }
  std::vector<char> done(all.size(), 0);
  std::size_t reported = 0;
  parallel_for(threads, static_cast<std::int64_t>(all.size()), [&](int, std::int64_t i) {
    Checked& checked = all[static_cast<std::size_t>(i)];
    checked.finding = prove(*checked.proof, checked.of);
#pragma omp critical(seqbench_check_report)
    {
      done[static_cast<std::size_t>(i)] = 1;
      while (reported < all.size() && done[reported] != 0) report(all[reported++]);
    }
  });
  return all;
}

}  // namespace seqbench::proof
