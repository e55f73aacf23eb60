#include "report/compare_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "report/metric.h"
#include "report/summary.h"

namespace seqbench {
namespace {

using BySeed = std::map<std::string, double>;

std::vector<double> values_of(const BySeed& by_seed) {
  std::vector<double> values;
  for (const auto& [seed, value] : by_seed) values.push_back(value);
  return values;
}

const Metrics& test_of_seed(const Runs& runs, const std::string& seed) {
  const auto run =
      std::ranges::find_if(runs, [&](const Record* r) { return r->ok() && r->field("seed") == seed; });
  return (*run)->stored->result.test;
}

// Of one run each, by the intervals over their test examples; a loss has none. The same run twice differs in
// nothing.
Comparison compare_single(const Metrics& a, const Metrics& b, const std::string& name) {
  if (a.accuracy == b.accuracy && a.loss == b.loss) return {};
  const auto error = [](const Interval& interval) { return (interval.high - interval.low) / (2 * 1.96); };
  if (name != "test.accuracy") return {.difference = b.loss - a.loss, .interval = {kNone, kNone}};
  const double both = std::hypot(error(a.accuracy_interval), error(b.accuracy_interval));
  const double difference = b.accuracy - a.accuracy;
  return {difference,
          {difference - 1.96 * both, difference + 1.96 * both},
          both > 0 ? std::erfc(std::abs(difference) / both / std::sqrt(2.0)) : 1.0,
          both};
}

std::size_t failures(const Runs& runs) {
  return static_cast<std::size_t>(std::ranges::count_if(runs, [](const Record* run) { return !run->ok(); }));
}

// Sets verdict and reason when more runs ended badly than before, or none is left to compare.
bool decided_by_failures(Compared& row, const Runs& base, const Runs& fresh) {
  const std::size_t before = failures(base), after = failures(fresh);
  if (after * base.size() > before * fresh.size()) {
    row.verdict = Verdict::worse;
    row.why = fmt::format("{} of {} runs ended badly, and {} of {} before", after, fresh.size(), before,
                          base.size());
  } else if (before == base.size() || after == fresh.size()) {
    row.why = fmt::format("all runs of {} ended badly", before == base.size() ? "BASE" : "NEW");
  } else {
    return false;
  }
  return true;
}

// Sources drawn by different seeds have different entropies: what lies above them compares.
std::string figure_of(const Runs& runs) {
  const bool source = std::ranges::all_of(
      runs, [](const Record* run) { return !run->ok() || run->stored->result.test.excess.has_value(); });
  const bool any = std::ranges::any_of(runs, [](const Record* run) { return run->ok(); });
  return source && any ? "test.excess" : score_metric(runs, "test");
}

void take(ScoreComparison& s, const std::vector<double>& a, const std::vector<double>& b,
          const Comparison& comparison, const std::string& why) {
  s.row.base = mean(a);
  s.row.fresh = mean(b);
  s.row.base_runs = a.size();
  s.row.fresh_runs = b.size();
  s.row.interval = comparison.interval;
  s.row.why = why;
  s.comparison = comparison;
  s.tested = true;
}

void test(ScoreComparison& s, const Runs& base, const Runs& fresh, const BySeed& a, const BySeed& b) {
  const std::string& name = s.row.figure;
  const auto [left, right] = at_common_seeds(a, b);
  if (left.size() > 1)
    return take(s, left, right, compare_paired(left, right), fmt::format("{} common seeds", left.size()));
  if (a.size() > 1 && b.size() > 1)
    return take(s, values_of(a), values_of(b), compare_unpaired(values_of(a), values_of(b)),
                "different seeds");
  if (left.size() == 1) {
    const auto seed =
        std::ranges::find_if(a, [&](const auto& entry) { return b.contains(entry.first); })->first;
    return take(s, left, right, compare_single(test_of_seed(base, seed), test_of_seed(fresh, seed), name),
                "one seed, over its examples");
  }
  s.row.why = "no seed in common, and too few; more seeds would tell";
}

void decide(ScoreComparison& s, double p) {
  Compared& row = s.row;
  const double gain = s.comparison.difference * (larger_is_better(row.figure) ? 1 : -1);
  const Interval& i = s.comparison.interval;
  if (p < kSmallP && std::abs(gain) > s.margin) {
    row.verdict = gain > 0 ? Verdict::better : Verdict::worse;
    row.why += fmt::format(", p = {:.2g}", p);
  } else if (i.low >= -s.margin && i.high <= s.margin) {
    row.verdict = Verdict::same;
  } else {
    const std::size_t runs = std::min(row.base_runs, row.fresh_runs);
    const double wanted = std::max(std::abs(gain), s.margin);
    row.why +=
        "; " + (runs < 2 ? std::string("more seeds would tell")
                         : more_runs(static_cast<double>(runs_for(wanted, s.comparison.standard_error, runs)),
                                     runs));
  }
}

}  // namespace

ScoreComparison compare_scores(const Runs& base, const Runs& fresh, double margin) {
  Runs both = base;
  both.insert(both.end(), fresh.begin(), fresh.end());
  ScoreComparison s;
  s.row.figure = figure_of(both);
  const BySeed a = metric_by_seed(base, s.row.figure), b = metric_by_seed(fresh, s.row.figure);
  s.row.base = a.empty() ? kNone : mean(values_of(a));
  s.row.fresh = b.empty() ? kNone : mean(values_of(b));
  s.row.base_runs = a.size();
  s.row.fresh_runs = b.size();
  s.row.interval = {kNone, kNone};
  if (decided_by_failures(s.row, base, fresh)) return s;
  if (!a.empty() && !b.empty()) test(s, base, fresh, a, b);
  s.margin = s.row.figure == "test.loss" ? margin * s.row.base : margin;
  return s;
}

void decide(std::vector<ScoreComparison>& all) {
  std::vector<double> p;
  for (const ScoreComparison& s : all) {
    if (s.tested) p.push_back(s.comparison.p);
  }
  p = holm(p);
  auto next = p.begin();
  for (ScoreComparison& s : all) {
    if (s.tested) decide(s, *next++);
  }
}

std::string more_runs(double needed, std::size_t have) {
  const double more = std::max(1.0, std::ceil(needed) - static_cast<double>(have));
  return fmt::format("about {:.0f} more run{} would tell", more, more == 1 ? "" : "s");
}

}  // namespace seqbench
