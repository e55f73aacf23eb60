#include "cli/interrupt.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>
#include <string_view>

namespace seqbench {
namespace {

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);  // or a signal handler could not set it
std::atomic<std::int64_t> first_signal_ms = 0;

std::int64_t now_ms() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// timeout(1) and some supervisors send a signal both to the program and to its group, and mean it once.
constexpr std::int64_t kSameSignalMs = 500;

extern "C" void on_signal(int signal) {
  if (interrupted) {
    if (now_ms() - first_signal_ms < kSameSignalMs) return;
    ::signal(signal, SIG_DFL);
    ::raise(signal);
    return;
  }
  first_signal_ms = now_ms();
  interrupted = true;
  constexpr std::string_view kText = "\nstopping, and keeping what is done; once more to stop at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText.data(), kText.size());
}

}  // namespace

void catch_interrupts() {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction hangup = {};
  sigaction(SIGHUP, nullptr, &hangup);
  if (hangup.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);
}

const std::atomic<bool>& interrupt_flag() { return interrupted; }

}  // namespace seqbench
