// Preloaded in tests: flock() as it is on file systems that do not lock. FLOCK_SHIM=succeed: everyone gets every
// lock, as of two hosts each has its own; FLOCK_SHIM=fail: EBADF, as of a folder over NFS.
#include <cerrno>
#include <cstdlib>
#include <string_view>

extern "C" int flock(int, int) noexcept {
  const char* how = std::getenv("FLOCK_SHIM");
  if (how == nullptr || std::string_view(how) != "fail") return 0;
  errno = EBADF;
  return -1;
}
