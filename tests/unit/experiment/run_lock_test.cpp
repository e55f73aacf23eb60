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

#include "unit/experiment/lock_text.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

TEST_CASE("one at a time has the lock of a folder, which it makes and leaves empty") {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "small" / "run";
  CHECK(running_text(run) == "");
  std::optional<RunLock> lock(run);
  CHECK(lock->taken());
  CHECK(running_text(run) == "running");
  const RunLock second(run);
  CHECK_FALSE(second.taken());
  CHECK(has(second.holder(), fmt::format("another process is at work on it ({} on ", ::getpid())));
  CHECK(RunLock(folder.path() / "small" / "other").taken());
  lock.reset();
  CHECK(running_text(run) == "");
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
  CHECK(running_text(folder.path()) == "running");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(has_lock_file(folder.path()));
  CHECK(running_text(folder.path()) == "");
  CHECK(RunLock(folder.path()).taken());
  CHECK(fs::is_empty(folder.path()));
  ::close(ready[0]);
  ::close(ready[1]);
}

// Locks of this process that others take and remove again, for half a second, by `remove(run)`: who has the
// lock must find the folder there.
template <class F>
void check_contested(const fs::path& run, const F& remove) {
  std::atomic<int> taken = 0, gone = 0;
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  const auto take_and_remove = [&] {
    while (std::chrono::steady_clock::now() < until) {
      std::optional<RunLock> lock(run);
      if (!lock->taken()) continue;
      ++taken;
      if (!fs::is_directory(run) || !has_lock_file(run)) ++gone;
      remove(lock);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back(take_and_remove);
  }
  CHECK(taken.load() > 0);
  CHECK(gone.load() == 0);
}

TEST_CASE("who has the lock has it of the folder that is there, however often others remove it") {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  check_contested(run, [&](std::optional<RunLock>& lock) {
    lock.reset();
    std::error_code not_empty;
    fs::remove(run, not_empty);
  });
}

TEST_CASE("a folder that goes while the lock is taken is made again; one that cannot be opened is an error") {
  const TemporaryFolder folder;
  const fs::path run = folder.path() / "run";
  check_contested(run, [&](std::optional<RunLock>&) { fs::remove_all(run); });
  folder.write("file", "");
  for (const char* name : {"file", "file/run"}) {
    const std::string message = message_of([&] { const RunLock lock(folder.path() / name); });
    CHECK(has(message, std::string(name) + ": cannot be made: "));
  }
  fs::create_symlink("nowhere", folder.path() / "dangling");
  CHECK(has(message_of([&] { const RunLock lock(folder.path() / "dangling"); }), "dangling: cannot be "));
}

// The lock file says that another has it. Returns what is said of it, "" when it was taken from them.
std::string holder_of(const std::string& text) {
  const TemporaryFolder folder;
  fs::create_symlink(text, folder.path() / kLockFile);
  std::string said;
  {
    const RunLock lock(folder.path());
    CHECK(lock.taken() == lock.holder().empty());
    said = lock.holder();
    if (!lock.taken()) CHECK(fs::read_symlink(folder.path() / kLockFile) == text);
  }
  CHECK(fs::is_empty(folder.path()) == said.empty());
  return said;
}

TEST_CASE("a lock is replaced only where it is certain that who had it is gone") {
  const LockText own;
  CHECK(holder_of(own.with({.pid = "1", .start = "1"})) == "");        // another process has that number now
  CHECK(holder_of(own.with({.pid = "4194305", .start = "1"})) == "");  // above the most Linux has
  CHECK(holder_of(own.with({.boot = "00000000"})) == "");              // this machine has started anew since
  CHECK(has(holder_of(own.text()), "another process is at work on it"));
  CHECK_FALSE(has(holder_of(own.text()), "delete"));
  for (const std::string& text : {own.with({.host = "gpu3", .boot = "00000000", .machine = "00000000"}),
                                  std::string("of a kind that nobody knows"), std::string("gpu3")}) {
    CHECK(has(holder_of(text), "if that is no longer so, delete "));
    CHECK(has(holder_of(text), std::string("/") + kLockFile));
  }
  CHECK(has(holder_of("gpu3 4711 1 00000000 00000000"), "(4711 on gpu3)"));
}

TEST_CASE("a run that another machine is at work on is shown as such") {
  const TemporaryFolder folder;
  fs::create_symlink("gpu3 4711 1 00000000 00000000", folder.path() / kLockFile);
  CHECK(running_text(folder.path()) == "running on gpu3");
}

TEST_CASE("a file in the place of the lock is held by someone unknown, and stays") {
  const TemporaryFolder folder;
  folder.write(kLockFile, "mine");
  const RunLock lock(folder.path());
  CHECK_FALSE(lock.taken());
  CHECK(has(lock.holder(), "if that is no longer so, delete "));
  CHECK(folder.content(kLockFile) == "mine");
}

}  // namespace
}  // namespace seqbench
