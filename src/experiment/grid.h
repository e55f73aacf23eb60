// What turns one spec into many runs: --set, "grid" and "select".
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/options.h"

namespace seqbench {

// Sets the dotted `path` in an object, making objects on the way. Throws Error when the way leads through
// something that is no object; `what` says what is being set, for the message.
void set_path(Json& object, const std::string& path, const Json& value, const std::string& what);

// Applies "path=value", the value being JSON where it parses and text otherwise. It replaces a grid axis of
// the same path (and takes it out of select.over); "grid.PATH=[...]" sets an axis.
void apply_set(Json& spec, const std::string& assignment);

struct Axis {
  std::string path;
  std::vector<Json> values;
};

struct Select {
  Texts over = {};  // paths of axes; empty: every combination has its row
  std::string by;   // "valid.accuracy" (the largest is kept) or "valid.loss" (the smallest)
};

struct Grid {
  std::vector<Axis> axes;  // in the order written; the last one moves fastest
  Select select;
};

// What the path of an axis starts with.
const Texts& axis_roots();

// What "select" takes; both have to be given.
const OptionList& select_options();

// Takes "grid" and "select" out of a spec. Throws Error for an empty grid or axis, and a path that cannot be
// an axis.
Grid take_grid(Json& spec);

// One index into the values of each axis, for every run of the product in its order. No axes: one run.
// Throws Error beyond 100 000 runs, which nobody means.
std::vector<std::vector<std::size_t>> combinations(const std::vector<Axis>& axes);

// "softmax", "lr0.002", "seed1": what a run of the axis with that value is called.
std::string value_slug(const Axis& axis, const Json& value);

// How a table names each value of the axis: as short as still tells them apart.
Texts value_labels(const Axis& axis);

}  // namespace seqbench
