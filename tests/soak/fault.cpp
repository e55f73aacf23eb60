// Preloaded into the program, this makes the disk fail, or the process die, at one of the calls by which it
// changes what is on the disk under the folder $FAULT_UNDER: the $FAULT_AT-th, counted from 1 over all
// threads. $FAULT says how:
//   kill  SIGKILL before the call
//   torn  SIGKILL after half of what the call was to write; of another call: after it
//   full  no space left, for this call and all after it that need some
//   term  SIGTERM to itself, and the call is made
// Without $FAULT calls are counted only. The count goes to $FAULT_COUNT, a file, when the process ends by
// itself. What no death of a process shows, only that of a machine, ends it with 99 and a word: a file that
// is renamed before it is synced, and a folder that is not synced after that.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>

namespace {

std::atomic<long> calls = 0;

const char* setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_under(const char* path) {
  static const char* const folder = setting("FAULT_UNDER");
  char absolute[PATH_MAX + 1] = {};
  if (path[0] != '/') {
    if (::getcwd(absolute, PATH_MAX) == nullptr) return false;
    std::strncat(absolute, "/", PATH_MAX - std::strlen(absolute));
  }
  std::strncat(absolute, path, PATH_MAX - std::strlen(absolute));
  return folder[0] != 0 && std::strncmp(absolute, folder, std::strlen(folder)) == 0;
}

std::string path_of(int descriptor) {
  char path[PATH_MAX + 1] = {};
  const std::string link = "/proc/self/fd/" + std::to_string(descriptor);
  return ::readlink(link.c_str(), path, PATH_MAX) > 0 ? path : "";
}

bool is_under(int descriptor) { return is_under(path_of(descriptor).c_str()); }

[[noreturn]] void die() {
  ::kill(::getpid(), SIGKILL);
  for (;;) ::pause();
}

bool fault_is(const char* name) {
  static const char* const fault = setting("FAULT");
  return std::strcmp(fault, name) == 0;
}

template <class F>
F* next(const char* name) {
  return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

struct Call {
  bool full = false;  // it has to fail
  bool torn = false;  // half of it is to be made, and then the process dies
};

// Counts a call that concerns the folder, and says what is to become of it.
Call counted(bool concerns, bool needs_space) {
  static const long at = std::atol(setting("FAULT_AT"));
  if (!concerns) return {};
  const long call = ++calls;
  if (call == at && fault_is("kill")) die();
  if (call == at && fault_is("term")) ::kill(::getpid(), SIGTERM);
  return {.full = at > 0 && call >= at && needs_space && fault_is("full"),
          .torn = call == at && fault_is("torn")};
}

template <class F>
auto made(const Call& call, const F& f) -> decltype(f()) {
  if (call.full) {
    errno = ENOSPC;
    return -1;
  }
  const auto result = f();
  if (call.torn) die();
  return result;
}

// Paths that were written to, or renamed in, since they were last synced. Never destroyed: it is needed to
// the end.
class Unsynced {
 public:
  void add(const std::string& path) {
    const std::lock_guard lock(mutex_);
    paths_.insert(path);
  }
  void remove(const std::string& path) {
    const std::lock_guard lock(mutex_);
    paths_.erase(path);
  }
  bool has(const std::string& path) {
    const std::lock_guard lock(mutex_);
    return paths_.contains(path);
  }
  std::set<std::string> all() {
    const std::lock_guard lock(mutex_);
    return paths_;
  }

 private:
  std::mutex mutex_;
  std::set<std::string> paths_;
};

Unsynced& unsynced() {
  static auto& paths = *new Unsynced;
  return paths;
}

void complain(const std::string& what) {
  std::fprintf(stderr, "fault: %s\n", what.c_str());
  ::_exit(99);
}

[[gnu::destructor]] void tell() {
  for (const std::string& path : unsynced().all()) {
    if (!fault_is("full") && std::filesystem::is_directory(path))
      complain(path + " was renamed in and not synced");
  }
  if (setting("FAULT_COUNT")[0] == 0) return;
  std::FILE* file = std::fopen(setting("FAULT_COUNT"), "w");
  if (file == nullptr) return;
  std::fprintf(file, "%ld\n", calls.load());
  std::fclose(file);
}

}  // namespace

extern "C" {

int open(const char* path, int flags, ...) {
  mode_t mode = 0;
  if ((flags & O_CREAT) != 0) {
    va_list more;
    va_start(more, flags);
    mode = va_arg(more, mode_t);
    va_end(more);
  }
  const Call call = counted((flags & O_CREAT) != 0 && is_under(path), true);
  static auto* const real = next<int(const char*, int, ...)>("open");
  return made(call, [&] { return real(path, flags, mode); });
}

ssize_t write(int descriptor, const void* bytes, size_t size) {
  const Call call = counted(is_under(descriptor), true);
  static auto* const real = next<ssize_t(int, const void*, size_t)>("write");
  if (is_under(descriptor)) unsynced().add(path_of(descriptor));
  return made(call, [&] { return real(descriptor, bytes, call.torn ? size / 2 : size); });
}

ssize_t pwrite(int descriptor, const void* bytes, size_t size, off_t offset) {
  const Call call = counted(is_under(descriptor), true);
  static auto* const real = next<ssize_t(int, const void*, size_t, off_t)>("pwrite");
  return made(call, [&] { return real(descriptor, bytes, call.torn ? size / 2 : size, offset); });
}

int fsync(int descriptor) {
  const Call call = counted(is_under(descriptor), true);
  static auto* const real = next<int(int)>("fsync");
  unsynced().remove(path_of(descriptor));
  return made(call, [&] { return real(descriptor); });
}

int ftruncate(int descriptor, off_t size) {
  const Call call = counted(is_under(descriptor), false);
  static auto* const real = next<int(int, off_t)>("ftruncate");
  return made(call, [&] { return real(descriptor, size); });
}

int rename(const char* from, const char* to) {
  const Call call = counted(is_under(to), false);
  static auto* const real = next<int(const char*, const char*)>("rename");
  const std::filesystem::path source = std::filesystem::absolute(from);
  if (is_under(to) && unsynced().has(source)) complain(source.string() + " was renamed and not synced");
  if (is_under(to)) unsynced().add(std::filesystem::absolute(to).parent_path());
  return made(call, [&] { return real(from, to); });
}

int unlink(const char* path) {
  const Call call = counted(is_under(path), false);
  static auto* const real = next<int(const char*)>("unlink");
  return made(call, [&] { return real(path); });
}

int remove(const char* path) {
  const Call call = counted(is_under(path), false);
  static auto* const real = next<int(const char*)>("remove");
  return made(call, [&] { return real(path); });
}

int mkdir(const char* path, mode_t mode) {
  const Call call = counted(is_under(path), true);
  static auto* const real = next<int(const char*, mode_t)>("mkdir");
  return made(call, [&] { return real(path, mode); });
}

}  // extern "C"
