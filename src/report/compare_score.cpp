#include "report/compare_score.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "experiment/slice_text.h"
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

// What a figure is of: "" of the test itself, "length=40" of a further one.
std::string test_of(const std::string& figure) {
  const std::size_t sign = figure.find('@');
  return sign == std::string::npos ? "" : figure.substr(sign + 1);
}

const Metrics& metrics_of_seed(const Runs& runs, const std::string& seed, const std::string& test) {
  const auto run =
      std::ranges::find_if(runs, [&](const Record* r) { return r->ok() && r->field("seed") == seed; });
  const RunResult& result = (*run)->stored->result;
  const auto further = std::ranges::find(result.settings, test, [](const auto& t) { return name_of(t); });
  return further == result.settings.end() ? result.test : further->metrics;
}

// But for the run's own test, which stands among those at lengths too.
std::set<std::string> further_tests_of(const Runs& runs) {
  std::set<std::string> names;
  for (const Record* run : runs) {
    if (!run->ok()) continue;
    for (const SettingMetrics& test : run->stored->result.settings) {
      if (!is_own(run->stored->result, test)) names.insert(name_of(test));
    }
  }
  return names;
}

// Of one run each, by the intervals over their test examples; a loss has none.
Comparison compare_single(const Metrics& a, const Metrics& b, const std::string& name) {
  const auto error = [](const Interval& interval) { return (interval.high - interval.low) / (2 * 1.96); };
  if (!name.starts_with("test.accuracy")) return {.difference = b.loss - a.loss, .interval = {kNone, kNone}};
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
bool came_out_the_same(const Runs& base, const Runs& fresh, const BySeed& a, const BySeed& b,
                       const std::string& test) {
  return std::ranges::all_of(a, [&](const auto& entry) {
    if (!b.contains(entry.first)) return true;
    const Metrics& before = metrics_of_seed(base, entry.first, test);
    const Metrics& after = metrics_of_seed(fresh, entry.first, test);
    return before.accuracy == after.accuracy && before.loss == after.loss;
  });
}

void test(ScoreComparison& s, const Runs& base, const Runs& fresh) {
  const std::string name = s.row.figure;
  const BySeed a = metric_by_seed(base, name), b = metric_by_seed(fresh, name);
  if (a.empty() || b.empty()) return;
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
  const bool same = came_out_the_same(base, fresh, a, b, test_of(name));
  if (left.size() > 1)
    return take(s, left, right, same ? Comparison{} : compare_paired(left, right, step),
                fmt::format("{} common seeds", left.size()));
  const auto seed =
      std::ranges::find_if(a, [&](const auto& entry) { return b.contains(entry.first); })->first;
  take(s, left, right,
       same ? Comparison{}
            : compare_single(metrics_of_seed(base, seed, test_of(name)),
                             metrics_of_seed(fresh, seed, test_of(name)), name),
       "one seed, over its examples");
}

// Nothing tested yet.
ScoreComparison scored(const Runs& base, const Runs& fresh, const std::string& figure, double margin) {
  ScoreComparison s;
  s.row.figure = figure;
  const BySeed a = metric_by_seed(base, figure), b = metric_by_seed(fresh, figure);
  s.row.base = a.empty() ? kNone : mean(values_of(a));
  s.row.fresh = b.empty() ? kNone : mean(values_of(b));
  s.row.base_runs = a.size();
  s.row.fresh_runs = b.size();
  s.row.interval = {kNone, kNone};
  s.margin = figure.starts_with("test.loss") ? margin * s.row.base : margin;
  return s;
}

// More runs until the difference is told from none, or its interval lies within the margin. Of a difference
// that is all but the margin itself, no number would tell.
std::string what_would_tell(const ScoreComparison& s, double gain, std::size_t tests) {
  const std::size_t runs = std::min(s.row.base_runs, s.row.fresh_runs);
  if (runs < 2) return "more seeds would tell";
  const double beyond = std::abs(gain) - s.margin;
  const double wanted = std::max(beyond > 0 ? std::abs(gain) : -beyond, s.margin / 10);
  const double outside = beyond > 0 ? kSmallP / static_cast<double>(tests) : kSmallP;
  return more_would_tell(static_cast<double>(runs_for(wanted, s.comparison.standard_error, runs, outside)),
                         runs, "run");
}

// `p` after correction over so many tests.
void decide(ScoreComparison& s, double p, std::size_t tests) {
  Compared& row = s.row;
  const double gain = s.comparison.difference * (larger_is_better(row.figure) ? 1 : -1);
  const Interval& i = s.comparison.interval;
  if (p < kSmallP && std::abs(gain) > s.margin) {
    row.verdict = gain > 0 ? Verdict::better : Verdict::worse;
    row.why += ", " + p_text(p);
  } else if (i.low >= -s.margin && i.high <= s.margin) {
    row.verdict = Verdict::same;
  } else {
    row.why += "; " + what_would_tell(s, gain, tests);
  }
}

}  // namespace

Texts tests_of_one_side(const Runs& base, const Runs& fresh) {
  const auto before = further_tests_of(base), after = further_tests_of(fresh);
  Texts names;
  std::ranges::set_symmetric_difference(before, after, std::back_inserter(names));
  return names;
}

std::vector<ScoreComparison> compare_scores(const Runs& base, const Runs& fresh, double margin) {
  Runs both = base;
  both.insert(both.end(), fresh.begin(), fresh.end());
  const std::string figure = figure_of(both);
  ScoreComparison own = scored(base, fresh, figure, margin);
  std::vector<ScoreComparison> all;
  const bool ended_badly = decided_by_failures(own.row, base, fresh);
  if (!ended_badly) test(own, base, fresh);
  all.push_back(std::move(own));
  if (ended_badly) return all;
  const auto after = further_tests_of(fresh);
  for (const std::string& name : further_tests_of(base)) {
    if (!after.contains(name)) continue;
    all.push_back(scored(base, fresh, figure + "@" + name, margin));
    test(all.back(), base, fresh);
  }
  return all;
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

std::string p_text(double p) {
  constexpr double kLeast = 1e-4;
  return p < kLeast ? "p < 0.0001" : fmt::format("p = {:.2g}", p);
}

std::string more_would_tell(double needed, std::size_t have, const std::string& what) {
  const double more = std::max(1.0, std::ceil(needed) - static_cast<double>(have));
  return fmt::format("about {:.0f} more {}{} would tell", more, what, more == 1 ? "" : "s");
}

}  // namespace seqbench
