// What a command that tests shows on standard error while it works.
#pragma once
#include <chrono>
#include <string>

namespace seqbench {

// On a terminal one line that is rewritten in place and cleared at the end; elsewhere a line every ten
// seconds.
class WorkDisplay {
 public:
  explicit WorkDisplay(bool quiet);
  ~WorkDisplay() { clear(); }
  WorkDisplay(const WorkDisplay&) = delete;
  WorkDisplay& operator=(const WorkDisplay&) = delete;

  void show(const std::string& line);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;
  bool quiet_;
  bool live_;
  bool shown_ = false;
  Clock::time_point drawn_ = Clock::now();
};

}  // namespace seqbench
