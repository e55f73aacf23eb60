// Keeps two processes from working on one run at a time.
#pragma once
#include <filesystem>
#include <string>

namespace seqbench {

// In the folder of a run that someone is at work on: a symbolic link that points nowhere and says who it is, "HOST
// PID START BOOT MACHINE". Making a link is one step on every file system, those over a network included: it
// is never there without what it says.
inline constexpr const char* kLockFile = "run.lock";

// What trains or removes a run holds the lock of its folder, which has two parts:
// - flock() of the folder itself. It ends with the process, however that ends, and holds among all that run
//   under one kernel, containers too. Over a network it may hold no further, or fail.
// - kLockFile, which holds wherever the folder is seen.
// A process that was killed leaves the file. It is taken for left behind, and replaced, only where that is
// certain: flock() was got, and the file names a process of this kernel that is no more, or one from before
// this machine started anew. One of another machine is never replaced, nor any where flock() fails otherwise
// than by being held: holder() then says which file to delete.
class RunLock {
 public:
  // Makes the folder when it is not there. Throws Error when the folder cannot be made, opened or written.
  explicit RunLock(const std::filesystem::path& folder);
  // Removes kLockFile; the folder stays.
  ~RunLock();
  RunLock(const RunLock&) = delete;
  RunLock& operator=(const RunLock&) = delete;

  bool taken() const { return taken_; }
  // Where it is not taken: "another process is at work on it (4711 on gpu3)", and what to do.
  const std::string& holder() const { return holder_; }

 private:
  void try_to_take(const std::filesystem::path& folder);
  void name_owner(const std::filesystem::path& folder, bool locked);

  int descriptor_ = -1;  // of the folder
  bool taken_ = false;
  std::string holder_;
};

// "" when no one is at work on the run, else "running" or, elsewhere, "running on HOST".
std::string running_text(const std::filesystem::path& folder);

// Whether the folder has a kLockFile, left behind or not.
bool has_lock_file(const std::filesystem::path& folder);

}  // namespace seqbench
