// How work that takes long is asked to end.
#pragma once
#include <atomic>
#include <chrono>

namespace seqbench {

// Thrown by Stop::check().
struct Stopped {};
struct Interrupted : Stopped {};  // all work is to end: a signal came, or the whole command is over its limit
struct OutOfTime : Stopped {};    // this run is over its own limit; others go on

// Asked between pieces of work of well under a second each: sequences, operations on a tape, tokens that are
// decoded. A small value to pass down; the flag must outlive it.
class Stop {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr Clock::time_point kNever = Clock::time_point::max();

  Stop() = default;  // never asked
  // From the moment that `interrupted` is set, or `deadline` is past.
  Stop(const std::atomic<bool>& interrupted, Clock::time_point deadline = kNever)
      : interrupted_(&interrupted), deadline_(deadline) {}
  // Also from `limit` on, as OutOfTime.
  Stop with_limit(Clock::time_point limit) const {
    Stop limited = *this;
    limited.limit_ = limit;
    return limited;
  }

  // Whether all work is to end.
  bool asked() const { return (interrupted_ != nullptr && interrupted_->load()) || is_past(deadline_); }
  void check() const {
    if (asked()) throw Interrupted{};
    if (is_past(limit_)) throw OutOfTime{};
  }

 private:
  static bool is_past(Clock::time_point time) { return time != kNever && Clock::now() >= time; }

  const std::atomic<bool>* interrupted_ = nullptr;
  Clock::time_point deadline_ = kNever;
  Clock::time_point limit_ = kNever;
};

}  // namespace seqbench
