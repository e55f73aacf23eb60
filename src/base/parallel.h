// The one place where threads start: workers take whole lanes, and every kernel runs on one thread.
#pragma once
#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <exception>

namespace seqbench {

// Calls f(worker, i) once for every i in [0, count), on up to `threads` workers numbered from 0, never more
// than there are calls. After an exception no further call starts; the first one caught is thrown again when
// those under way are done.
template <class F>
void parallel_for(int threads, std::int64_t count, const F& f) {
  omp_set_num_threads(1);  // what the workers inherit, and with them any library they call
  const auto workers = static_cast<int>(std::clamp<std::int64_t>(count, 1, threads));
  std::exception_ptr failed;
  std::atomic<bool> any_failed = false;
#pragma omp parallel for num_threads(workers) schedule(dynamic, 1)
  for (std::int64_t i = 0; i < count; ++i) {
    if (any_failed) continue;
    try {
      f(omp_get_thread_num(), i);
    } catch (...) {
      any_failed = true;
#pragma omp critical(seqbench_parallel_for)
      if (!failed) failed = std::current_exception();
    }
  }
  if (failed) std::rethrow_exception(failed);
}

}  // namespace seqbench
