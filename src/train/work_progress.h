// How far a test or a measurement is.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>

namespace seqbench {

struct WorkDone {
  std::int64_t done = 0;    // examples of tests, contexts of a measurement
  std::int64_t of = 0;      // so many
  double seconds_left = 0;  // about; 0 before there is anything to go by
};

// Adds up what several workers have done, and tells of it each time, one at a time.
class WorkProgress {
 public:
  explicit WorkProgress(std::function<void(const WorkDone&)> tell) : tell_(std::move(tell)) {}

  // `pieces` more are to do, each taking as long as its `tokens`.
  void expect(std::int64_t pieces, std::int64_t tokens);
  void done(std::int64_t pieces, std::int64_t tokens);

 private:
  using Clock = std::chrono::steady_clock;
  std::function<void(const WorkDone&)> tell_;
  std::mutex mutex_;
  WorkDone work_;
  double tokens_ = 0;
  double tokens_done_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace seqbench
