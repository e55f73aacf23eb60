// Keeps two processes from working on one run at a time.
#pragma once
#include <filesystem>

namespace seqbench {

// What trains or removes a run holds the lock of its folder. It is advisory, and of the folder itself: it
// leaves no file behind and ends with the process, however that ends. Where a file system has no such locks
// everyone gets it; on one over a network it may tell only of processes of the same machine.
class RunLock {
 public:
  // Makes the folder when it is not there; throws nothing when it cannot.
  explicit RunLock(const std::filesystem::path& folder);
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  // False: another has it.
  bool taken() const { return taken_; }

 private:
  void try_to_take(const std::filesystem::path& folder);

  int descriptor_ = -1;
  bool taken_ = false;
};

// Whether someone has the lock of the folder.
bool is_being_run(const std::filesystem::path& folder);

}  // namespace seqbench
