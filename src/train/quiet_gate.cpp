#include "train/quiet_gate.h"

namespace seqbench {

QuietGate::Busy::Busy(QuietGate& gate) : gate_(gate) {
  std::unique_lock lock(gate.mutex_);
  gate.changed_.wait(lock, [&] { return !gate.quiet_ && gate.waiting_ == 0; });
  ++gate.busy_;
}

QuietGate::Busy::~Busy() {
  const std::lock_guard lock(gate_.mutex_);
  --gate_.busy_;
  gate_.changed_.notify_all();
}

QuietGate::Quiet::Quiet(QuietGate& gate) : gate_(gate) {
  std::unique_lock lock(gate.mutex_);
  ++gate.waiting_;
  gate.changed_.wait(lock, [&] { return !gate.quiet_ && gate.busy_ == 0; });
  --gate.waiting_;
  gate.quiet_ = true;
}

QuietGate::Quiet::~Quiet() {
  const std::lock_guard lock(gate_.mutex_);
  gate_.quiet_ = false;
  gate_.changed_.notify_all();
}

}  // namespace seqbench
