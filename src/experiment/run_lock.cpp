#include "experiment/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "base/random.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

// Longer than others need between two of the steps below, and than running_text() has a lock.
constexpr int kTries = 10;
constexpr auto kPause = std::chrono::milliseconds(20);

std::string first_line(const fs::path& file) {
  std::string line;
  std::getline(std::ifstream(file), line);
  return line;
}

// When the process began, in ticks of its kernel; none when there is no such process, or it has ended.
std::optional<std::string> start_of(const std::string& pid) {
  const std::string stat = first_line(fs::path("/proc") / pid / "stat");
  // Its name, in brackets, may hold anything.
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string state, field;
  fields >> state;
  constexpr int kFieldsToStart = 19;  // proc(5): state is the third, starttime the 22nd
  for (int i = 0; i < kFieldsToStart; ++i) fields >> field;
  if (!fields || state == "Z" || state == "X") return std::nullopt;
  return field;
}

std::string short_hash(const std::string& text) {
  return fmt::format("{:08x}", hash_of(text) & 0xffffffffU);  // file systems keep links up to 59 bytes in place
}

struct Owner {
  std::string host, pid, start;
  std::string boot;     // of the kernel since it started
  std::string machine;  // stays when it starts anew

  std::string text() const { return fmt::format("{} {} {} {} {}", host, pid, start, boot, machine); }
};

Owner this_process() {
  std::array<char, 256> host = {};
  ::gethostname(host.data(), host.size() - 1);
  const std::string name = host[0] == '\0' ? "unknown" : host.data();
  const std::string boot = first_line("/proc/sys/kernel/random/boot_id");
  const std::string pid = std::to_string(::getpid());
  return {.host = name,
          .pid = pid,
          .start = start_of(pid).value_or("0"),
          .boot = short_hash(boot.empty() ? name : boot),
          .machine = short_hash(name + first_line("/etc/machine-id"))};
}

// What the lock file says; "" when it is no link, none when there is no such file.
std::optional<std::string> text_of_lock(int folder) {
  std::array<char, 1024> text = {};
  const ssize_t size = ::readlinkat(folder, kLockFile, text.data(), text.size());
  if (size >= 0) return std::string(text.data(), static_cast<std::size_t>(size));
  return errno == ENOENT ? std::nullopt : std::optional<std::string>("");
}

// None where the text is not that of an owner.
std::optional<Owner> owner_of(const std::string& text) {
  Owner owner;
  std::istringstream in(text);
  in >> owner.host >> owner.pid >> owner.start >> owner.boot >> owner.machine;
  const bool number = owner.pid.find_first_not_of("0123456789") == owner.pid.npos;
  return in && number ? std::optional(owner) : std::nullopt;
}

bool is_of_this_kernel(const Owner& owner) { return owner.boot == this_process().boot; }

// Of processes of this kernel only those that this one can see count: flock() tells of those in other containers.
bool is_certainly_gone(const std::optional<Owner>& owner) {
  if (!owner) return false;
  if (is_of_this_kernel(*owner)) return start_of(owner->pid) != owner->start;
  return owner->machine == this_process().machine;
}

int opened(const fs::path& folder) { return ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); }

// Whether it failed only because another process removed the folder meanwhile, and may have made it again.
bool is_gone_by_now(const fs::path& folder, int reason) {
  std::error_code error;
  const fs::file_status there = fs::symlink_status(folder, error);
  return (reason == ENOENT || reason == EEXIST) && (!fs::exists(there) || fs::is_directory(there));
}

std::string told(const std::optional<Owner>& owner, const fs::path& folder, bool may_be_stale) {
  return fmt::format("another process is at work on it{}{}",
                     owner ? fmt::format(" ({} on {})", owner->pid, owner->host) : "",
                     may_be_stale ? fmt::format("; if that is no longer so, delete {}",
                                                (folder / kLockFile).string())
                                  : "");
}

}  // namespace

RunLock::RunLock(const fs::path& folder) {
  for (int i = 0; i < kTries && !taken_; ++i) {
    if (i > 0) std::this_thread::sleep_for(kPause);
    try_to_take(folder);
  }
  if (taken_) holder_.clear();
}

RunLock::~RunLock() {
  // Someone may have deleted it by hand, and another have it now.
  if (taken_ && text_of_lock(descriptor_) == this_process().text()) ::unlinkat(descriptor_, kLockFile, 0);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunLock::try_to_take(const fs::path& folder) {
  if (descriptor_ >= 0) ::close(descriptor_);
  holder_ = "another process removes it again and again";
  std::error_code error;
  fs::create_directories(folder, error);
  descriptor_ = error ? -1 : opened(folder);
  const int reason = error ? error.value() : errno;
  if (descriptor_ < 0 && is_gone_by_now(folder, reason)) return;
  fail_if(descriptor_ < 0, "{}: cannot be {}: {}.", folder.string(), error ? "made" : "opened",
          std::strerror(reason));
  const bool locked = ::flock(descriptor_, LOCK_EX | LOCK_NB) == 0;
  if (locked || errno != EWOULDBLOCK) return name_owner(folder, locked);
  const auto text = text_of_lock(descriptor_);
  holder_ = told(text ? owner_of(*text) : std::nullopt, folder, false);
}

void RunLock::name_owner(const fs::path& folder, bool locked) {
  taken_ = ::symlinkat(this_process().text().c_str(), descriptor_, kLockFile) == 0;
  if (taken_ || errno == ENOENT) return;  // ENOENT: the folder has been removed since it was opened
  fail_if(errno != EEXIST, "{}: cannot be written, and so not locked: {}.", (folder / kLockFile).string(),
          std::strerror(errno));
  const auto text = text_of_lock(descriptor_);
  if (!text) return;  // gone in between
  const auto owner = owner_of(*text);
  if (locked && is_certainly_gone(owner)) {
    ::unlinkat(descriptor_, kLockFile, 0);
    return name_owner(folder, locked);
  }
  holder_ = told(owner, folder, !locked || !owner || !is_of_this_kernel(*owner));
}

std::string running_text(const fs::path& folder) {
  const int descriptor = opened(folder);
  if (descriptor < 0) return "";
  const auto text = text_of_lock(descriptor);
  const auto owner = text ? owner_of(*text) : std::nullopt;
  // Shared, so that two who ask do not take each other for who runs it.
  const bool running =
      text && (!is_certainly_gone(owner) || ::flock(descriptor, LOCK_SH | LOCK_NB) != 0);
  ::close(descriptor);
  if (!running) return "";
  return owner && !is_of_this_kernel(*owner) ? "running on " + owner->host : "running";
}

bool has_lock_file(const fs::path& folder) {
  std::error_code error;
  return fs::exists(fs::symlink_status(folder / kLockFile, error));
}

}  // namespace seqbench
