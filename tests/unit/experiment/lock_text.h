// What a lock file of this process says, and of others like it.
#pragma once
#include <fmt/format.h>

#include <filesystem>
#include <sstream>
#include <string>

#include "experiment/run_lock.h"
#include "unit/folder.h"

namespace seqbench {

class LockText {
 public:
  // "": as it is.
  struct Change {
    std::string host = {}, pid = {}, start = {}, boot = {}, machine = {};
  };

  LockText() {
    const TemporaryFolder folder;
    const RunLock lock(folder.path());
    std::istringstream(std::filesystem::read_symlink(folder.path() / kLockFile).string()) >> own_.host >>
        own_.pid >> own_.start >> own_.boot >> own_.machine;
  }

  std::string text() const { return with({}); }
  std::string with(const Change& change) const {
    const auto part = [](const std::string& changed, const std::string& own) {
      return changed.empty() ? own : changed;
    };
    return fmt::format("{} {} {} {} {}", part(change.host, own_.host), part(change.pid, own_.pid),
                       part(change.start, own_.start), part(change.boot, own_.boot),
                       part(change.machine, own_.machine));
  }

 private:
  Change own_;
};

}  // namespace seqbench
