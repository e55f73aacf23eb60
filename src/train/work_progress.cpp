#include "train/work_progress.h"

namespace seqbench {

void WorkProgress::expect(std::int64_t pieces, std::int64_t tokens) {
  const std::lock_guard lock(mutex_);
  work_.of += pieces;
  tokens_ += static_cast<double>(pieces * tokens);
}

void WorkProgress::done(std::int64_t pieces, std::int64_t tokens) {
  const std::lock_guard lock(mutex_);
  work_.done += pieces;
  tokens_done_ += static_cast<double>(pieces * tokens);
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  work_.seconds_left = tokens_done_ > 0 ? seconds * (tokens_ - tokens_done_) / tokens_done_ : 0;
  tell_(work_);
}

}  // namespace seqbench
