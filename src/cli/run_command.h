#pragma once
#include <string>
#include <vector>

#include "base/options.h"

namespace seqbench {

struct RunArguments {
  Texts specs;
  Texts sets;  // "path=value"
  std::string out = "runs";
  int jobs = 1;
  int threads = 1;  // of all jobs together
  std::string shard = "1/1";
  // As parse_duration() reads them; empty: none.
  std::string time_limit, run_time_limit;
  std::string slurm;  // script to write instead of running; empty: none
  bool dry_run = false;
  bool force = false;
  bool quiet = false;
};

// `seqbench run`; returns the exit status. Throws Error before anything has run or been written.
int run_command(const RunArguments& arguments);

}  // namespace seqbench
