#include "experiment/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace seqbench {
namespace {

namespace fs = std::filesystem;

// Longer than is_being_run() has a lock.
constexpr int kTries = 10;
constexpr auto kPause = std::chrono::milliseconds(20);

int opened(const fs::path& folder) { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

bool is_held_by_another(int descriptor, int kind) {
  return ::flock(descriptor, kind | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

// Whether the folder is still that of the path: who had the lock before may have removed it.
bool is_at(const fs::path& path, int descriptor) {
  struct stat here = {}, there = {};
  return ::fstat(descriptor, &here) == 0 && ::stat(path.c_str(), &there) == 0 &&
         here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

}  // namespace

RunLock::RunLock(const fs::path& folder) {
  for (int i = 0; i < kTries && !taken_; ++i) {
    if (i > 0) std::this_thread::sleep_for(kPause);
    try_to_take(folder);
  }
  // What is to be done in a folder that cannot be opened says better what is wrong with it.
  if (descriptor_ < 0) taken_ = true;
}

RunLock::~RunLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunLock::try_to_take(const fs::path& folder) {
  if (descriptor_ >= 0) ::close(descriptor_);
  std::error_code ignored;
  fs::create_directories(folder, ignored);
  descriptor_ = opened(folder);
  taken_ = descriptor_ >= 0 && !is_held_by_another(descriptor_, LOCK_EX) && is_at(folder, descriptor_);
}

bool is_being_run(const fs::path& folder) {
  const int descriptor = opened(folder);
  if (descriptor < 0) return false;
  // Shared, so that two who ask do not take each other for who runs it.
  const bool held = is_held_by_another(descriptor, LOCK_SH);
  ::close(descriptor);
  return held;
}

}  // namespace seqbench
