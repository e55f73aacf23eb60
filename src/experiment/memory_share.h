// Runs side by side share the memory there is.
#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "base/stop.h"
#include "train/memory_need.h"

namespace seqbench {

// Throws Error for a run that takes more than is `available`, in bytes.
void check_fits(const MemoryNeed& need, double available);

class MemoryShare {
 public:
  explicit MemoryShare(std::int64_t available) : available_(static_cast<double>(available)) {}

  // What one run has of it, until it ends.
  class Part {
   public:
    explicit Part(MemoryShare& share) : share_(share) {}
    ~Part();
    Part(const Part&) = delete;
    Part& operator=(const Part&) = delete;
    // Waits while others have too much. Throws Error for a run that would not fit alone, and what `stop`
    // throws.
    void take(const MemoryNeed& need, const Stop& stop);

   private:
    MemoryShare& share_;
    double bytes_ = 0;
  };

 private:
  double available_;
  double taken_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace seqbench
