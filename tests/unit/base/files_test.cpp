#include "base/files.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "unit/folder.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

std::size_t files_in(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), {}));
}

// While it lives, no file grows beyond so many bytes: what a full disk does, for one process.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit small = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

 private:
  rlimit before_ = {};
  void (*handler_)(int);
};

TEST_CASE("a file is replaced whole, keeps its rights, and nothing is left beside it") {
  const TemporaryFolder folder;
  const fs::path file = folder.path("file");
  replace_file(file, "one");
  CHECK(folder.content("file") == "one");
  fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write | fs::perms::owner_exec);
  const std::string long_text(3000000, 'x');
  {
    FileWriter out(file);
    out.write("begin ");
    out.write(long_text);
    CHECK(folder.content("file") == "one");
    out.write(" end");
    out.finish();
  }
  CHECK(folder.content("file") == "begin " + long_text + " end");
  CHECK(fs::status(file).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write | fs::perms::owner_exec));
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("two writers of one file never write into each other's part; the later one stays") {
  const TemporaryFolder folder;
  FileWriter a(folder.path("file"));
  FileWriter b(folder.path("file"));
  CHECK(files_in(folder.path()) == 2);
  a.write("a");
  b.write("b");
  b.finish();
  a.finish();
  CHECK(folder.content("file") == "a");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("what was in the place of a file can be kept under another name") {
  const TemporaryFolder folder;
  for (const char* text : {"one", "two", "three"}) {
    FileWriter out(folder.path("file"));
    out.write(text);
    out.finish(folder.path("before"));
  }
  CHECK(folder.content("file") == "three");
  CHECK(folder.content("before") == "two");
}

TEST_CASE("a write that fails, or is given up, leaves the old file and nothing else") {
  const TemporaryFolder folder;
  const std::string file = folder.write("file", "old");
  { FileWriter(file).write("new"); }
  const SmallDisk small(1000);
  CHECK_THROWS_WITH_AS(replace_file(file, std::string(5000, 'x')),
                       doctest::Contains((file + ": cannot be written: File too large").c_str()), Error);
  CHECK(folder.content("file") == "old");
  CHECK(files_in(folder.path()) == 1);
}

TEST_CASE("what cannot be added whole is not added") {
  const TemporaryFolder folder;
  const std::string file = folder.path("file");
  append_to_file(file, "one\n");
  append_to_file(file, "two\n");
  const SmallDisk small(10);
  CHECK_THROWS_WITH_AS(append_to_file(file, "three\n"), doctest::Contains("cannot be written"), Error);
  CHECK(folder.content("file") == "one\ntwo\n");
}

TEST_CASE("a link stays, and the file it points to is replaced, also one that is not there yet") {
  const TemporaryFolder folder;
  fs::create_directory(folder.path("far"));
  folder.write("far/file", "old");
  fs::create_symlink("far/file", folder.path("near"));
  fs::create_symlink("near", folder.path("nearer"));
  fs::create_symlink("far/absent", folder.path("dangling"));
  fs::create_symlink("loop", folder.path("loop"));
  replace_file(folder.path("nearer"), "new");
  replace_file(folder.path("dangling"), "made");
  CHECK(folder.content("far/file") == "new");
  CHECK(folder.content("far/absent") == "made");
  CHECK(fs::is_symlink(folder.path("nearer")));
  CHECK(fs::is_symlink(folder.path("dangling")));
  CHECK(files_in(folder.path("far")) == 2);
  CHECK_THROWS_WITH_AS(replace_file(folder.path("loop"), ""), doctest::Contains("Too many levels"), Error);
}

TEST_CASE("a pipe and a device are written through; a folder is refused") {
  const TemporaryFolder folder;
  const std::string pipe = folder.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::string got;
  std::thread reader([&] { got = folder.content("pipe"); });
  replace_file(pipe, "through");
  reader.join();
  CHECK(got == "through");
  CHECK(fs::is_fifo(pipe));
  replace_file("/dev/null", "gone");
  CHECK(fs::is_character_file("/dev/null"));
  fs::create_symlink("/dev/full", folder.path("full"));
  CHECK_THROWS_WITH_AS(replace_file(folder.path("full"), "x"), doctest::Contains("No space left"), Error);
  CHECK_THROWS_WITH_AS(replace_file(folder.path(), "x"), doctest::Contains("is a folder"), Error);
  CHECK_THROWS_WITH_AS(replace_file(folder.path("nowhere/file"), "x"),
                       doctest::Contains("nowhere/file: cannot be written: No such file"), Error);
}

TEST_CASE("a descriptor stands for where it is in its file, and not for the file") {
  const TemporaryFolder folder;
  const std::string log = folder.write("log", "first\n");
  const int descriptor = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  REQUIRE(descriptor >= 0);
  replace_file(fmt::format("/dev/fd/{}", descriptor), "second\n");
  fs::create_symlink(fmt::format("/proc/self/fd/{}", descriptor), folder.path("link"));
  replace_file(folder.path("link"), "third\n");
  CHECK(folder.content("log") == "first\nsecond\nthird\n");
  ::close(descriptor);
  CHECK_THROWS_WITH_AS(replace_file(folder.path("link"), "x"), doctest::Contains("Bad file descriptor"),
                       Error);
  CHECK(is_standard_output("/dev/stdout"));
  CHECK(is_standard_output("/dev/fd/1"));
  CHECK_FALSE(is_standard_output("/dev/stderr"));
  CHECK_FALSE(is_standard_output(log));
}

TEST_CASE("a reader that has gone away is no error") {
  std::signal(SIGPIPE, SIG_IGN);  // as the program has it
  int ends[2] = {};
  REQUIRE(::pipe(ends) == 0);
  ::close(ends[0]);
  replace_file(fmt::format("/dev/fd/{}", ends[1]), std::string(5000000, 'x'));
  ::close(ends[1]);
}

TEST_CASE("a half-written file is known by its name, and names may be of any length") {
  const TemporaryFolder folder;
  const std::string name(255, 'n');
  const FileWriter out(folder.path("result.json"));
  const std::string part = fs::directory_iterator(folder.path())->path().filename();
  CHECK(is_part_of(part, "result.json"));
  CHECK_FALSE(is_part_of(part, "model.safetensors"));
  CHECK_FALSE(is_part_of("result.json", "result.json"));
  CHECK_FALSE(is_part_of("my.result.json.part", "result.json"));
  replace_file(folder.path(name), "long");
  CHECK(folder.content(name) == "long");
}

}  // namespace
}  // namespace seqbench
