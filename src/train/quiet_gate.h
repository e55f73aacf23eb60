// Keeps measuring away from training when runs go side by side.
#pragma once
#include <condition_variable>
#include <mutex>

namespace seqbench {

// Lets runs that train side by side pass, and a run that measures speed have the machine to itself.
class QuietGate {
 public:
  // Held for a piece of work: a training step, rows that are scored. Never taken by one that holds it.
  class Busy;
  // Held while measuring: waits until no work runs, and keeps more from starting.
  class Quiet;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int busy_ = 0;
  int waiting_ = 0;
  bool quiet_ = false;
};

class QuietGate::Busy {
 public:
  explicit Busy(QuietGate& gate);
  ~Busy();
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

 private:
  QuietGate& gate_;
};

class QuietGate::Quiet {
 public:
  explicit Quiet(QuietGate& gate);
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  QuietGate& gate_;
};

}  // namespace seqbench
