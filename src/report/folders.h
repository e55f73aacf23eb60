// Folders of results: what is in them, what tells two runs apart, what may go.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "base/options.h"

namespace seqbench {

// A line per run, finished or not. Throws Error when a folder does not exist or no run is in any.
std::string list_runs_text(const std::vector<std::filesystem::path>& folders);

// What differs in spec, environment and figures between two runs, a line each. Throws Error when either has
// no result.
std::string diff_text(const std::filesystem::path& a, const std::filesystem::path& b);

// Folders of runs under `folders`; `failed`: only of those that ended badly, are not finished or were cut
// off, never a result that only another version can read. Throws Error when a folder does not exist or no run
// is in any.
std::vector<std::filesystem::path> run_folders(const std::vector<std::filesystem::path>& folders,
                                               bool failed);

}  // namespace seqbench
