#include "report/pairs.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "experiment/format.h"
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

std::optional<Pair> pair_of(const Group& a, const Group& b, const std::string& name) {
  const auto [left, right] = at_common_seeds(metric_by_seed(a.ok, name), metric_by_seed(b.ok, name));
  if (left.size() < 2) return std::nullopt;
  return Pair{&a, &b, left.size(), compare_paired(left, right)};
}

}  // namespace

std::vector<Pair> pairs_of(const Summary& summary, const std::string& name) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < summary.groups.size(); ++i) {
    for (std::size_t j = i + 1; j < summary.groups.size(); ++j) {
      if (!asked_the_same(summary, summary.groups[i], summary.groups[j])) continue;
      if (const auto pair = pair_of(summary.groups[i], summary.groups[j], name)) pairs.push_back(*pair);
    }
  }
  std::vector<double> p;
  for (const Pair& pair : pairs) p.push_back(pair.difference.p);
  p = holm(p);
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i].p = p[i];
  return pairs;
}

Table pairs_table(const Summary& summary, const std::string& name) {
  Table table;
  const std::vector<Pair> pairs = pairs_of(summary, name);
  if (pairs.empty() || summary.groups.size() > kMostGroups) return table;
  const auto label = [](const Group& group) { return cut(name_of(group), 24); };
  table.add_column("row - column", Align::left);
  for (const Group& group : summary.groups) table.add_column(label(group), Align::right);
  for (const Group& row : summary.groups) {
    Texts cells = {label(row)};
    for (const Group& column : summary.groups) {
      const auto pair = std::ranges::find_if(pairs, [&](const Pair& p) {
        return (p.a == &row && p.b == &column) || (p.a == &column && p.b == &row);
      });
      if (pair == pairs.end()) {
        cells.emplace_back(&row == &column ? "" : "-");
        continue;
      }
      const double sign = pair->b == &row ? 1 : -1;
      cells.push_back(
          fmt::format("{:+.3f}{}", sign * pair->difference.difference, pair->p < kSmallP ? "*" : " "));
    }
    table.add_row(std::move(cells));
  }
  return table;
}

std::string pairs_note(const Summary& summary, const std::string& name) {
  if (pairs_of(summary, name).empty()) return "";
  if (summary.groups.size() > kMostGroups)
    return fmt::format("paired differences of {} rows: in --format json", summary.groups.size());
  return fmt::format(
      "{}: mean difference over common seeds; * p < {} in a paired t test, Holm's correction over all pairs",
      name, kSmallP);
}

}  // namespace seqbench
