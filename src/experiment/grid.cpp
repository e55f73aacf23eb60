#include "experiment/grid.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "experiment/spec.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostRuns = 100000;

std::string first_part(const std::string& path) { return path.substr(0, path.find('.')); }
std::string last_part(const std::string& path) { return path.substr(path.rfind('.') + 1); }
bool is_below(const std::string& path, const std::string& parent) { return path.starts_with(parent + "."); }

bool names_a_part(const std::string& path) {
  const std::string name = last_part(path);
  return name == "mixer" || name == "name" || path == "task";
}

// "softmax" of "softmax" and {"name": "softmax", ...}; "softmax+linear" of a list; "" of anything else.
std::string name_of_part(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object() && value.contains("name")) return name_of_part(value.at("name"));
  Texts names;
  if (value.is_array()) std::ranges::transform(value, std::back_inserter(names), name_of_part);
  return fmt::format("{}", fmt::join(names, "+"));
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>()
                           : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// {"name": "softmax", "heads": 2} -> "softmax heads=2"
std::string long_label(const Json& value) {
  Texts parts;
  if (value.is_array()) {
    std::ranges::transform(value, std::back_inserter(parts), long_label);
    return fmt::format("{}", fmt::join(parts, " + "));
  }
  if (!value.is_object()) return plain(value);
  for (const auto& [key, part] : value.items()) {
    parts.push_back(key == "name" ? plain(part) : fmt::format("{}={}", key, plain(part)));
  }
  return fmt::format("{}", fmt::join(parts, " "));
}

void forget_axis(Json& spec, const std::string& path) {
  if (!spec.contains("grid") || !spec["grid"].is_object() || spec["grid"].erase(path) == 0) return;
  if (spec["grid"].empty()) spec.erase("grid");
  if (!spec.contains("select") || !spec["select"].is_object() || !spec["select"].contains("over")) return;
  Json& over = spec["select"]["over"];
  if (over.is_array()) std::erase(over.get_ref<Json::array_t&>(), Json(path));
  if (over.empty()) spec.erase("select");
}

void set_axis(Json& spec, const std::string& path, const Json& values, const std::string& what) {
  Json& grid = spec["grid"];
  fail_if(!grid.is_null() && !grid.is_object(), "{}: grid: expected an object, got {}.", what, shown(grid));
  grid[path] = values;
}

// A value set below an axis would be lost: the axis replaces the whole.
void refuse_below_axis(const Json& spec, const std::string& path, const std::string& what) {
  if (!spec.contains("grid") || !spec.at("grid").is_object()) return;
  for (const auto& [axis, values] : spec.at("grid").items()) {
    fail_if(is_below(path, axis),
            "{}: {} is an axis of the grid, whose values would replace it; set {} or grid.{}.", what, axis,
            axis, path);
  }
}

Axis axis_of(const std::string& path, const Json& values) {
  const std::string root = first_part(path);
  fail_if(root == "eval" || root == "measure",
          "grid.{}: runs that differ in \"{}\" only would train the same model; give it all there is to test and "
          "measure (eval.lengths, eval.settings, measure.contexts), outside of the grid.",
          path, root);
  fail_if(std::ranges::find(axis_roots(), root) == axis_roots().end(), "{}",
          unknown_name("path", path, "grid", axis_roots()));
  fail_if(!values.is_array(), "grid.{}: expected a list of values, got {}.", path, shown(values));
  fail_if(values.empty(), "grid.{}: empty grid: expected a list of at least one value.", path);
  return {path, values.get<std::vector<Json>>()};
}

std::vector<Axis> axes_of(const Json& grid) {
  fail_if(!grid.is_object(), "grid: expected an object of paths, each with a list of values; got {}.",
          shown(grid));
  fail_if(grid.empty(), "grid: empty grid: name a path and its values, or take \"grid\" out.");
  std::vector<Axis> axes;
  for (const auto& [path, values] : grid.items()) {
    for (const Axis& earlier : axes) {
      fail_if(is_below(earlier.path, path),
              "grid: {} stands before {}, which would replace it; put {} first.", earlier.path, path, path);
    }
    axes.push_back(axis_of(path, values));
  }
  return axes;
}

void check_select_keys(const Json& select) {
  Texts known;
  for (const Option& option : select_options()) known.push_back(option.name);
  fail_if(!select.is_object(), "select: expected an object, got {}.", shown(select));
  for (const auto& [key, value] : select.items()) {
    fail_if(std::ranges::find(known, key) == known.end(), "{}", unknown_name("key", key, "select", known));
  }
  for (const std::string& key : known) fail_if(!select.contains(key), "select.{}: missing.", key);
}

Select select_of(const Json& json, const std::vector<Axis>& axes) {
  check_select_keys(json);
  const Json& by = json.at("by");
  const Option declared = *std::ranges::find(select_options(), "by", &Option::name);
  fail_if(!std::ranges::any_of(declared.choices, [&](const std::string& choice) { return by == choice; }),
          "select.by: expected {}; got {}. The test split is never selected on.", expected(declared), shown(by));
  const Json& over = json.at("over");
  fail_if(!over.is_array() || over.empty(), "select.over: expected a list of paths in the grid, got {}.",
          shown(over));
  Texts paths;
  for (const Axis& axis : axes) paths.push_back(axis.path);
  Select select{.by = by.get<std::string>()};
  for (const Json& path : over) {
    fail_if(!path.is_string(), "select.over: expected a list of paths in the grid, got {}.", shown(over));
    select.over.push_back(path.get<std::string>());
    fail_if(std::ranges::find(paths, select.over.back()) == paths.end(), "{}",
            unknown_name("axis", select.over.back(), "select.over", paths));
    const std::string& axis = select.over.back();
    fail_if(axis == "seed", "select.over: seeds are kept together; take \"seed\" out.");
    fail_if(axis == "task" || axis.starts_with("task."),
            "select.over: results of different tasks are never chosen between; take \"{}\" out.", axis);
  }
  return select;
}

}  // namespace

const Texts& axis_roots() {
  static const Texts roots = {"task", "model", "train", "seed"};
  return roots;
}

const OptionList& select_options() {
  static const OptionList options = {
      Option::texts("over", {}, "paths of the grid of which the table shows the best value"),
      Option::choice("by", "", {"valid.accuracy", "valid.loss"}, "what decides which is best")};
  return options;
}

void set_path(Json& object, const std::string& path, const Json& value, const std::string& what) {
  Json* at = &object;
  for (std::size_t start = 0;;) {
    const std::size_t dot = path.find('.', start);
    const std::string part = path.substr(start, dot == std::string::npos ? dot : dot - start);
    fail_if(part.empty(), "{}: \"{}\" is no dotted path, like train.lr.", what, path);
    fail_if(!at->is_object(), "{}: {} is {}, not an object.", what,
            start == 0 ? "the spec" : path.substr(0, start - 1), shown(*at));
    const bool last = dot == std::string::npos;
    if (!last && !at->contains(part)) (*at)[part] = Json::object();
    at = &(*at)[part];
    if (last) break;
    start = dot + 1;
  }
  *at = value;
}

void apply_set(Json& spec, const std::string& assignment) {
  const std::string what = "--set " + assignment;
  const std::size_t equals = assignment.find('=');
  fail_if(equals == std::string::npos || equals == 0, "{}: expected path=value, like train.lr=1e-3.", what);
  fail_if(!spec.is_object(), "the spec: expected an object, got {}.", shown(spec));
  const std::string path = assignment.substr(0, equals);
  const std::string text = assignment.substr(equals + 1);
  const Json value = Json::accept(text) ? parse_json(text, what) : Json(text);
  if (path.starts_with("grid.")) return set_axis(spec, path.substr(5), value, what);
  forget_axis(spec, path);
  refuse_below_axis(spec, path, what);
  set_path(spec, path, value, what);
}

Grid take_grid(Json& spec) {
  Grid grid;
  if (!spec.is_object()) return grid;
  if (spec.contains("grid")) grid.axes = axes_of(spec.at("grid"));
  if (spec.contains("select")) grid.select = select_of(spec.at("select"), grid.axes);
  spec.erase("grid");
  spec.erase("select");
  return grid;
}

std::vector<std::vector<std::size_t>> combinations(const std::vector<Axis>& axes) {
  std::size_t count = 1;
  for (const Axis& axis : axes) {
    count *= axis.values.size();
    fail_if(count > kMostRuns, "grid: more than {} runs; split it.", kMostRuns);
  }
  std::vector<std::vector<std::size_t>> all;
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::size_t> indices(axes.size());
    std::size_t rest = i;
    for (std::size_t a = axes.size(); a-- > 0;) {
      indices[a] = rest % axes[a].values.size();
      rest /= axes[a].values.size();
    }
    all.push_back(std::move(indices));
  }
  return all;
}

std::string value_slug(const Axis& axis, const Json& value) {
  const std::string name = names_a_part(axis.path) ? name_of_part(value) : "";
  if (!name.empty()) return slug(name);
  std::string text;
  for (const char c : plain(value)) {
    if (c == ',') text += '-';
    if (std::string_view("[]{}\"',: ").find(c) == std::string_view::npos) text += c;
  }
  return slug(last_part(axis.path) + text);
}

Texts value_labels(const Axis& axis) {
  Texts labels;
  for (const Json& value : axis.values) {
    const std::string name = names_a_part(axis.path) ? name_of_part(value) : "";
    labels.push_back(name.empty() ? long_label(value) : name);
  }
  const bool distinct = std::set<std::string>(labels.begin(), labels.end()).size() == labels.size();
  if (!distinct) std::ranges::transform(axis.values, labels.begin(), long_label);
  return labels;
}

}  // namespace seqbench
