// Runs of a plan as an array of a cluster that Slurm manages.
#pragma once
#include <cstddef>
#include <filesystem>
#include <string>

#include "base/options.h"

namespace seqbench {

struct SlurmArray {
  std::string program;  // absolute
  Texts specs, sets;
  std::string out;       // absolute
  std::string folder;    // that paths in specs are relative to
  int threads = 1;       // of a run
  std::size_t runs = 0;  // to do
};

// A script for sbatch: as many tasks as there are runs to do, at most 1000 (Slurm's default limit is 1001),
// each of which takes its shard of the plan. Throws Error when nothing is left to do.
std::string slurm_script(const SlurmArray& array);

// Writes it, and returns the number of tasks. Throws Error for a file that is there and was not written by
// this function.
std::size_t write_slurm_script(const std::filesystem::path& file, const SlurmArray& array);

// `text` as one word of a shell.
std::string shell_quoted(const std::string& text);

}  // namespace seqbench
