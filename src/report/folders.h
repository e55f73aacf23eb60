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

struct RemovalRequest {
  std::vector<std::filesystem::path> folders;
  bool failed =
      false;  // only what ended badly, is not finished or was cut off; never another version's result
  bool really = false;  // or only tell what would go
};

struct Removal {
  Texts removed = {};  // a line for each run
  Texts left = {};     // a line for each that could not go, with the reason
};

// Removes runs under the folders: what they have written, and a folder in which nothing else is. One that has
// runs below it stays, whatever lies in it. Throws Error, and removes nothing, when a folder does not exist
// or is a symbolic link, or when no run is in any.
Removal remove_runs(const RemovalRequest& request);

}  // namespace seqbench
