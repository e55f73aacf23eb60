// Runs of a plan as an array of a cluster that Slurm manages.
#pragma once
#include <cstddef>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "experiment/plan.h"

namespace seqbench {

// Task i takes shard i/`of`.
struct SlurmTasks {
  std::size_t of = 1;
  std::set<std::size_t> parts = {};
};
// The shards that hold a run to do: one a run, but of a plan of more than 1000 runs each has several, since
// Slurm numbers tasks up to 1000 unless its MaxArraySize, by default 1001, is raised.
SlurmTasks slurm_tasks(const Plan& plan, const std::vector<std::size_t>& to_do);

struct SlurmArray {
  std::string program;  // absolute
  Texts specs, sets;
  std::string out;             // absolute
  std::string folder;          // that paths in specs are relative to
  int threads = 1;             // of a run
  double time_limit = 0;       // of a task, in seconds; 0: the partition's
  std::string run_time_limit = {};  // of a run, as the command line takes it; empty: none
  SlurmTasks tasks;
};

// A script for sbatch. A minute or two before its limit, Slurm tells a task, which keeps its state and is put
// back into the queue, until it has finished; one that is cancelled keeps its state and ends. Throws Error
// when nothing is left to do.
std::string slurm_script(const SlurmArray& array);

// Writes it. Throws Error for a file that is there and was not written by this function, or that cannot be
// written.
void write_slurm_script(const std::filesystem::path& file, const SlurmArray& array);

// `text` as one word of a shell.
std::string shell_quoted(const std::string& text);

}  // namespace seqbench
