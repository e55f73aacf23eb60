#include "experiment/summary.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiment/statistics.h"

namespace seqbench {
namespace {

// `values` with the indices of the axes in `paths` set to 0: equal for what differs only in those.
std::vector<std::size_t> without(const Experiment& experiment, std::vector<std::size_t> values,
                                 const Texts& paths) {
  for (std::size_t a = 0; a < values.size(); ++a) {
    if (std::ranges::find(paths, experiment.grid.axes[a].path) != paths.end()) values[a] = 0;
  }
  return values;
}

// Larger is better.
double merit(const Group& group, const std::string& by) {
  if (group.ok.empty()) return -std::numeric_limits<double>::infinity();
  const double value = by == "valid.loss"
                           ? -mean(group.all([](const RunResult& r) { return r.valid.loss; }))
                           : mean(group.all([](const RunResult& r) { return r.valid.accuracy; }));
  return std::isfinite(value) ? value : -std::numeric_limits<double>::infinity();
}

bool better(const Group& a, const Group& b, const std::string& by) {
  if (a.ok.size() != b.ok.size()) return a.ok.size() > b.ok.size();
  return merit(a, by) > merit(b, by);
}

}  // namespace

std::vector<Group> groups_of(const Experiment& experiment, const Results& results) {
  std::vector<Group> groups;
  for (const Experiment::Member& member : experiment.members) {
    const auto values = without(experiment, member.values, {"seed"});
    auto group = std::ranges::find(groups, values, &Group::values);
    if (group == groups.end()) group = groups.insert(group, Group{.values = values});
    group->runs.push_back(member.run);
    const auto& stored = results[member.run];
    if (stored && stored->result.status == Status::ok) group->ok.push_back(&*stored);
  }
  return groups;
}

std::vector<Group> selected(const Experiment& experiment, const std::vector<Group>& groups) {
  const Select& select = experiment.grid.select;
  if (select.over.empty()) return groups;
  std::vector<Group> best;
  for (const Group& group : groups) {
    const auto key = without(experiment, group.values, select.over);
    const auto rival = std::ranges::find_if(
        best, [&](const Group& g) { return without(experiment, g.values, select.over) == key; });
    if (rival == best.end()) {
      best.push_back(group);
    } else if (better(group, *rival, select.by)) {
      *rival = group;
    }
  }
  return best;
}

}  // namespace seqbench
