#include "report/pairs.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/metric.h"

namespace seqbench {
namespace {

constexpr std::size_t kMostGroups = 12;

// Scores of one task at different settings, or on different texts, say nothing of the mechanisms.
bool asked_the_same(const Summary& summary, const Group& a, const Group& b) {
  for (std::size_t f = 0; f < summary.fields.size(); ++f) {
    if (is_of_task(summary.fields[f]) && a.labels[f] != b.labels[f]) return false;
  }
  return true;
}

// A group's figure by seed, and the step that it is known to.
struct Scored {
  std::map<std::string, double> by_seed;
  double step = 0;
};

// "+0.200*": of row less column.
std::string cell(const Group& row, const Group& column, const std::vector<Pair>& pairs) {
  const auto pair = std::ranges::find_if(pairs, [&](const Pair& p) {
    return (p.a == &row && p.b == &column) || (p.a == &column && p.b == &row);
  });
  if (pair == pairs.end()) return &row == &column ? "" : "-";
  const double sign = pair->b == &row ? 1 : -1;
  return fmt::format("{:+.3f}{}", sign * pair->difference.difference, pair->p < kSmallP ? "*" : " ");
}

Table table_of(const Summary& summary, const std::vector<Pair>& pairs) {
  Table table;
  table.add_column("row - column", Align::left);
  for (const Group& group : summary.groups) table.add_column(name_of(group), Align::right);
  for (const Group& row : summary.groups) {
    Texts cells = {name_of(row)};
    for (const Group& column : summary.groups) cells.push_back(cell(row, column, pairs));
    table.add_row(std::move(cells));
  }
  return table;
}

}  // namespace

std::vector<Pair> pairs_of(const Summary& summary, const std::string& name) {
  std::vector<Scored> scores;
  for (const Group& group : summary.groups)
    scores.push_back({metric_by_seed(group.ok, name), step_of(group.ok, name)});
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    for (std::size_t j = i + 1; j < scores.size(); ++j) {
      const Group &a = summary.groups[i], &b = summary.groups[j];
      const auto [left, right] = at_common_seeds(scores[i].by_seed, scores[j].by_seed);
      if (left.size() < 2 || !asked_the_same(summary, a, b)) continue;
      const double step = std::max(scores[i].step, scores[j].step);
      pairs.push_back({&a, &b, left.size(), compare_paired(left, right, step)});
    }
  }
  std::vector<double> p;
  for (const Pair& pair : pairs) p.push_back(pair.difference.p);
  p = holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p = p[i];
  return pairs;
}

Differences differences_of(const Summary& summary, const std::string& name) {
  const auto several = [](const Group& group) { return group.ok.size() > 1; };
  if (std::ranges::count_if(summary.groups, several) < 2) return {};
  if (summary.groups.size() > kMostGroups)
    return {{}, fmt::format("paired differences of {} rows: in --format json", summary.groups.size())};
  const std::vector<Pair> pairs = pairs_of(summary, name);
  if (pairs.empty()) return {};
  return {table_of(summary, pairs),
          fmt::format("{}: mean difference over common seeds; * p < {} in a paired t test, Holm's correction "
                      "over all pairs",
                      name, kSmallP)};
}

}  // namespace seqbench
