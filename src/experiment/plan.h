// From spec files to the runs they ask for, all checked before any of them starts.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "experiment/grid.h"
#include "train/spec.h"

namespace seqbench {

struct PlannedRun {
  std::string id = {};                // readable slug of the grid's values, and a hash of what it trains
  std::string experiment;             // name of the spec
  std::filesystem::path folder = {};  // where its results go
  RunSpec spec;
  Json resolved = {};
  std::uint64_t data_id = 0;  // Task::data_id()
  std::int64_t parameters = 0;  // of the model
};

// One spec file.
struct Experiment {
  struct Member {
    std::size_t run = 0;              // index into Plan::runs
    std::vector<std::size_t> values;  // index into the values of each axis
  };
  std::string name;
  std::filesystem::path file;
  Grid grid;
  std::vector<Member> members = {};  // in the order of the grid
};

struct Plan {
  std::vector<Experiment> experiments;
  std::vector<PlannedRun> runs;  // no two with the same folder
};

// Reads the files, applies `sets` to each, expands their grids and checks every run. Runs that would share a
// folder are one; Error when they are tested or measured otherwise. Throws Error that names the file, and the
// run where the grid has several.
Plan make_plan(const std::vector<std::filesystem::path>& files, const Texts& sets,
               const std::filesystem::path& out);

}  // namespace seqbench
