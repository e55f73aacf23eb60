#include "base/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBuffer = 1 << 20;   // bytes
constexpr int kMostLinks = 40;             // as Linux has it
constexpr std::size_t kLongestStem = 150;  // leaves room for a host, a process and a count in 255 bytes

[[noreturn]] void cannot_be_written(const fs::path& file, int error) {
  fail("{}: cannot be written: {}.", file.string(), std::strerror(error));
}

// A count besides the process: containers may have the host's name and the process's number in common.
fs::path part_name(const fs::path& file) {
  static std::atomic<unsigned> count = 0;
  std::array<char, 65> host = {};
  ::gethostname(host.data(), host.size() - 1);
  return file.parent_path() / fmt::format("{}.{}-{}-{}.part",
                                          file.filename().string().substr(0, kLongestStem), host.data(),
                                          ::getpid(), count++);
}

// N of /dev/fd/N, or -1. The system would give the file that N was opened by, and lose where N stands in it.
int own_descriptor(const fs::path& file) {
  const std::string name = file.filename().string();
  const bool number = !name.empty() && name.size() < 8 && name.find_first_not_of("0123456789") == name.npos;
  std::error_code ignored;
  if (!number || fs::canonical(file.parent_path() / ".", ignored) != fs::canonical("/proc/self/fd", ignored))
    return -1;
  return std::stoi(name);
}

// The file itself, whose last part is no link; `descriptor`: which of the process's own it is, or -1.
fs::path followed(const fs::path& given, int& descriptor) {
  fs::path file = given;
  for (int links = 0; links <= kMostLinks; ++links) {
    descriptor = own_descriptor(file);
    std::error_code no_link;
    const fs::path target = fs::read_symlink(file, no_link);
    if (descriptor >= 0 || no_link) return file;
    file = file.parent_path() / target;
  }
  cannot_be_written(given, ELOOP);
}

// Some file systems have no durable folders, and some folders may be written but not read.
void make_durable_folder(const fs::path& folder) {
  const int descriptor = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0 && errno == EACCES) return;
  const bool done = descriptor >= 0 && (::fsync(descriptor) == 0 || errno == EINVAL || errno == ENOTSUP);
  const int error = errno;
  if (descriptor >= 0) ::close(descriptor);
  if (!done) cannot_be_written(folder, error);
}

// Who may write a file may still not give files away.
void take_over(int descriptor, const struct stat& old) {
  [[maybe_unused]] int ignored = ::fchown(descriptor, old.st_uid, old.st_gid);
  ignored = ::fchmod(descriptor, old.st_mode & 07777);
}

// Returns 0, or errno.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? EIO : errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

}  // namespace

FileWriter::FileWriter(const fs::path& file) : name_(file) {
  int own = -1;
  place_ = followed(file, own);
  struct stat found = {};
  if (own >= 0) {
    std::fflush(stdout);  // what was printed before comes first
    descriptor_ = ::fcntl(own, F_DUPFD_CLOEXEC, 0);
  } else if (::stat(place_.c_str(), &found) != 0) {
    if (errno != ENOENT) refuse(errno);
    open_part();
  } else if (S_ISREG(found.st_mode)) {
    if (::access(place_.c_str(), W_OK) != 0) refuse(errno);
    open_part();
    if (descriptor_ >= 0) take_over(descriptor_, found);
  } else if (S_ISFIFO(found.st_mode) || S_ISCHR(found.st_mode)) {
    descriptor_ = ::open(place_.c_str(), O_WRONLY | O_CLOEXEC | O_NOCTTY);
  } else {
    fail("{}: cannot be written: is {}; expected the name of a file.", name_.string(),
         S_ISDIR(found.st_mode) ? "a folder" : "no regular file, pipe or character device");
  }
  if (descriptor_ < 0) refuse(errno);
  buffer_.reserve(kBuffer);
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!part_.empty()) ::unlink(part_.c_str());
}

void FileWriter::refuse(int error) const { cannot_be_written(name_, error); }

void FileWriter::open_part() {
  do {
    part_ = part_name(place_);
    descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);
  if (descriptor_ < 0) part_.clear();
}

void FileWriter::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() > kBuffer) return write_through(bytes);
  buffer_ += bytes;
}

void FileWriter::flush() {
  write_through(buffer_);
  buffer_.clear();
}

void FileWriter::write_through(std::string_view bytes) {
  const int error = reader_gone_ ? 0 : write_all(descriptor_, bytes);
  reader_gone_ = reader_gone_ || (error == EPIPE && part_.empty());
  if (error != 0 && !reader_gone_) refuse(error);
}

void FileWriter::finish(const fs::path& before) {
  flush();
  const bool durable = part_.empty() || ::fsync(descriptor_) == 0;
  const int error = errno;
  // Over a network, closing may be what tells that a write failed.
  const bool closed = ::close(std::exchange(descriptor_, -1)) == 0;
  if (!durable || !closed) refuse(durable ? errno : error);
  if (part_.empty()) return;
  if (!before.empty() && ::rename(place_.c_str(), before.c_str()) != 0 && errno != ENOENT) refuse(errno);
  if (::rename(part_.c_str(), place_.c_str()) != 0) refuse(errno);
  part_.clear();
  make_durable_folder(place_.parent_path());
}

void replace_file(const fs::path& file, std::string_view bytes) {
  FileWriter out(file);
  out.write(bytes);
  out.finish();
}

void append_to_file(const fs::path& file, std::string_view bytes) {
  const int descriptor = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  struct stat old = {};
  if (descriptor < 0 || ::fstat(descriptor, &old) != 0) cannot_be_written(file, errno);
  int error = write_all(descriptor, bytes);
  if (error != 0) {
    [[maybe_unused]] const int ignored = ::ftruncate(descriptor, old.st_size);
  }
  if (::close(descriptor) != 0 && error == 0) error = errno;
  if (error != 0) cannot_be_written(file, error);
}

bool is_part_of(std::string_view name, std::string_view file) {
  return name.starts_with(file) && name.substr(file.size()).starts_with('.') && name.ends_with(".part");
}

std::vector<fs::path> parts_in(const fs::path& folder, std::string_view file) {
  std::error_code error;
  std::vector<fs::path> parts;
  const fs::directory_iterator all(folder, error);
  fail_if(error && error != std::errc::no_such_file_or_directory, "{}: cannot be read: {}.", folder.string(),
          error.message());
  for (const auto& entry : all) {
    if (is_part_of(entry.path().filename().string(), file)) parts.push_back(entry.path());
  }
  return parts;
}

bool is_standard_output(const fs::path& file) {
  int own = -1;
  followed(file, own);
  return own == STDOUT_FILENO;
}

}  // namespace seqbench
