#include "experiment/run_lock.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <optional>
#include <thread>
#include <vector>

#include "unit/folder.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

TEST_CASE("one at a time has the lock of a folder, which it makes and leaves empty") {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "small" / "run";
  CHECK_FALSE(is_being_run(run));
  std::optional<RunLock> lock(run);
  CHECK(lock->taken());
  CHECK(is_being_run(run));
  CHECK_FALSE(RunLock(run).taken());
  CHECK(RunLock(folder.path() / "small" / "other").taken());
  lock.reset();
  CHECK_FALSE(is_being_run(run));
  CHECK(RunLock(run).taken());
  CHECK(fs::is_empty(run));
}

TEST_CASE("the lock of a process that was killed is free") {
  const TemporaryFolder folder;
  int ready[2] = {};
  REQUIRE(::pipe(ready) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const RunLock lock(folder.path());
    [[maybe_unused]] const ssize_t written = ::write(ready[1], "x", 1);
    ::pause();
  }
  char byte = 0;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  CHECK(is_being_run(folder.path()));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(RunLock(folder.path()).taken());
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST_CASE("who has the lock has it of the folder that is there, however often others remove it") {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  std::atomic<int> taken = 0, gone = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  const auto take_and_remove = [&] {
    while (std::chrono::steady_clock::now() < until) {
      const RunLock lock(run);
      if (!lock.taken()) continue;
      ++taken;
      if (!fs::remove(run)) ++gone;
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back(take_and_remove);
  }
  CHECK(taken.load() > 1);
  CHECK(gone.load() == 0);
}

}  // namespace
}  // namespace seqbench
