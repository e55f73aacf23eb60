#include "base/machine.h"

#include <doctest/doctest.h>

#include <cmath>

#include "unit/folder.h"

namespace seqbench {
namespace {

struct Tree {
  TemporaryFolder folder;
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories((folder.path() / file).parent_path());
    folder.write(file, text);
  }
  ControlGroups groups(const std::string& text) const { return {text, folder.path()}; }
};

TEST_CASE("without control groups nothing is limited") {
  const Tree tree;
  CHECK(std::isinf(tree.groups("").cpus()));
  CHECK(std::isinf(tree.groups("0::/somewhere\n").bytes_left()));
  CHECK(core_count() >= 1);
  CHECK(available_memory() > 0);
}

TEST_CASE("the smallest quota on the way from a group to the top counts, in version 2") {
  const Tree tree;
  tree.write("cpu.max", "max 100000\n");
  tree.write("a/cpu.max", "150000 100000\n");
  tree.write("a/b/cpu.max", "400000 100000\n");
  CHECK(tree.groups("0::/a/b\n").cpus() == 1.5);
  CHECK(std::isinf(tree.groups("0::/c\n").cpus()));
  tree.write("a/memory.max", "1000000\n");
  tree.write("a/memory.current", "700000\n");
  tree.write("a/memory.stat", "anon 400000\ninactive_file 200000\nactive_file 100000\n");
  tree.write("a/b/memory.max", "max\n");
  tree.write("a/b/memory.current", "1\n");
  CHECK(tree.groups("0::/a/b\n").bytes_left() == 600000);
}

TEST_CASE("in a container the group's path is not there, and the top says what it may use") {
  const Tree tree;
  tree.write("cpu.max", "200000 100000\n");
  tree.write("memory.max", "268435456\n");
  tree.write("memory.current", "268435456\n");
  CHECK(tree.groups("0::/docker/0123\n").cpus() == 2);
  CHECK(tree.groups("0::/docker/0123\n").bytes_left() == 0);
}

TEST_CASE("quota and memory of version 1, each in its own hierarchy") {
  const Tree tree;
  const std::string groups = "9:name=systemd:/s\n4:memory:/m\n3:cpu,cpuacct:/c\n0::/\n";
  tree.write("cpu/c/cpu.cfs_quota_us", "-1\n");
  tree.write("cpu/c/cpu.cfs_period_us", "100000\n");
  CHECK(std::isinf(tree.groups(groups).cpus()));
  tree.write("cpu/c/cpu.cfs_quota_us", "50000\n");
  CHECK(tree.groups(groups).cpus() == 0.5);
  tree.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  tree.write("memory/memory.usage_in_bytes", "5000\n");
  CHECK(std::isinf(tree.groups(groups).bytes_left()));
  tree.write("memory/m/memory.limit_in_bytes", "4000\n");
  tree.write("memory/m/memory.usage_in_bytes", "3000\n");
  tree.write("memory/m/memory.stat", "inactive_file 1\ntotal_inactive_file 500\n");
  CHECK(tree.groups(groups).bytes_left() == 1500);
}

}  // namespace
}  // namespace seqbench
