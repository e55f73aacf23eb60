// What this process may use of the machine: not the machine's own size where a container or a scheduler gives
// it less.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace seqbench {

// Processors this process may run on, at least 1: those of its affinity, at most as many as its CPU quota
// (cgroups, both versions) is worth, rounded up.
int core_count();

// Bytes this process can still take before it is killed: what the kernel calls available, at most what is
// left of the limit of its cgroups, whose page cache counts as free. Very many where nothing of that can be
// read.
std::int64_t available_memory();

// The same of control groups alone, for tests: `groups` is the text of /proc/self/cgroup, `root` stands for
// /sys/fs/cgroup.
struct ControlGroups {
  std::string groups;
  std::filesystem::path root;
  double cpus() const;        // of the smallest quota; infinity where there is none
  double bytes_left() const;  // likewise, of memory
};

}  // namespace seqbench
