#include "experiment/memory_share.h"

#include <chrono>

#include "base/error.h"
#include "experiment/format.h"

namespace seqbench {
namespace {

std::string bytes_text(double bytes) { return short_bytes(static_cast<std::int64_t>(bytes)); }

}  // namespace

void check_fits(const MemoryNeed& need, double available) {
  // Tables cut long messages: what to do comes first.
  const MemoryNeed::Part& most = need.largest();
  fail_if(need.bytes() > available,
          "lower {}: {} would fill {} of about {} in all, and {} of memory are available.", most.lower,
          most.what, bytes_text(most.bytes), bytes_text(need.bytes()), bytes_text(available));
}

MemoryShare::Part::~Part() {
  const std::lock_guard lock(share_.mutex_);
  share_.taken_ -= bytes_;
  share_.changed_.notify_all();
}

void MemoryShare::Part::take(const MemoryNeed& need, const Stop& stop) {
  const double wanted = need.bytes();
  check_fits(need, share_.available_);
  std::unique_lock lock(share_.mutex_);
  while (share_.taken_ + wanted > share_.available_) {
    stop.check();
    share_.changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  bytes_ = wanted;
  share_.taken_ += wanted;
}

}  // namespace seqbench
