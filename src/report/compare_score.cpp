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

// Of one run each, by the intervals over their test examples; a loss has none.
Comparison compare_single(const Metrics& a, const Metrics& b, const std::string& name) {
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

// Those whose seed is, or is not, among those of `others`.
Runs at_seeds_of(const Runs& runs, const Runs& others, bool common) {
  Runs kept;
  std::ranges::copy_if(runs, std::back_inserter(kept), [&](const Record* run) {
    return common == std::ranges::any_of(others, [&](const Record* other) {
             return other->field("seed") == run->field("seed");
           });
  });
  return kept;
}

bool fails_more(const Runs& base, const Runs& fresh) {
  return failures(fresh) * std::max<std::size_t>(1, base.size()) > failures(base) * fresh.size();
}

// Sets verdict and reason when more runs ended badly than before, or none is left to compare: at seeds that
// both have, or everywhere, that is worse; at others it may be chance.
bool decided_by_failures(Compared& row, const Runs& base, const Runs& fresh) {
  const std::size_t before = failures(base), after = failures(fresh);
  const bool at_same = fails_more(at_seeds_of(base, fresh, true), at_seeds_of(fresh, base, true));
  const bool at_others = fails_more(at_seeds_of(base, fresh, false), at_seeds_of(fresh, base, false));
  if (before == base.size()) {
    row.why = "all runs of BASE ended badly";
  } else if (at_same || at_others) {
    if (at_same || after == fresh.size()) row.verdict = Verdict::worse;
    row.why = fmt::format("{} of {} runs ended badly, and {} of {} before{}", after, fresh.size(), before,
                          base.size(), at_same ? "" : ", not at the same seeds");
  } else if (after == fresh.size()) {
    row.why = "all runs of NEW ended badly, as those of the same seeds did before";
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

// Whether the runs of all seeds that both have came out the same to the last digit.
bool came_out_the_same(const Runs& base, const Runs& fresh, const BySeed& a, const BySeed& b) {
  return std::ranges::all_of(a, [&](const auto& entry) {
    if (!b.contains(entry.first)) return true;
    const Metrics& before = test_of_seed(base, entry.first);
    const Metrics& after = test_of_seed(fresh, entry.first);
    return before.accuracy == after.accuracy && before.loss == after.loss;
  });
}

void test(ScoreComparison& s, const Runs& base, const Runs& fresh, const BySeed& a, const BySeed& b) {
  const std::string& name = s.row.figure;
  const auto [left, right] = at_common_seeds(a, b);
  const double step = std::max(step_of(base, name), step_of(fresh, name));
  const bool several = a.size() > 1 && b.size() > 1;
  // A few common seeds of many would leave most of what is known out.
  if (several && (left.size() < 2 || 2 * left.size() < std::min(a.size(), b.size())))
    return take(s, values_of(a), values_of(b), compare_unpaired(values_of(a), values_of(b), step),
                left.empty() ? "different seeds" : "mostly different seeds");
  if (left.empty()) {
    s.row.why = "no seed in common, and too few; more seeds would tell";
    return;
  }
  const bool same = came_out_the_same(base, fresh, a, b);
  if (left.size() > 1)
    return take(s, left, right, same ? Comparison{} : compare_paired(left, right, step),
                fmt::format("{} common seeds", left.size()));
  const auto seed =
      std::ranges::find_if(a, [&](const auto& entry) { return b.contains(entry.first); })->first;
  take(s, left, right,
       same ? Comparison{} : compare_single(test_of_seed(base, seed), test_of_seed(fresh, seed), name),
       "one seed, over its examples");
}

// More runs until the difference is told from none, or its interval lies within the margin. Of a difference
// that is all but the margin itself, no number would tell.
std::string what_would_tell(const ScoreComparison& s, double gain, std::size_t tests) {
  const std::size_t runs = std::min(s.row.base_runs, s.row.fresh_runs);
  if (runs < 2) return "more seeds would tell";
  const double beyond = std::abs(gain) - s.margin;
  const double wanted = std::max(beyond > 0 ? std::abs(gain) : -beyond, s.margin / 10);
  const double outside = beyond > 0 ? kSmallP / static_cast<double>(tests) : kSmallP;
  return more_runs(static_cast<double>(runs_for(wanted, s.comparison.standard_error, runs, outside)), runs);
}

// `p` after correction over so many tests.
void decide(ScoreComparison& s, double p, std::size_t tests) {
  Compared& row = s.row;
  const double gain = s.comparison.difference * (larger_is_better(row.figure) ? 1 : -1);
  const Interval& i = s.comparison.interval;
  if (p < kSmallP && std::abs(gain) > s.margin) {
    row.verdict = gain > 0 ? Verdict::better : Verdict::worse;
    row.why += fmt::format(", p = {:.2g}", p);
  } else if (i.low >= -s.margin && i.high <= s.margin) {
    row.verdict = Verdict::same;
  } else {
    row.why += "; " + what_would_tell(s, gain, tests);
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
    if (s.tested) decide(s, *next++, p.size());
  }
}

std::string more_runs(double needed, std::size_t have) {
  const double more = std::max(1.0, std::ceil(needed) - static_cast<double>(have));
  return fmt::format("about {:.0f} more run{} would tell", more, more == 1 ? "" : "s");
}

}  // namespace seqbench
