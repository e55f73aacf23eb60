#include "report/compare_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "report/compare_score.h"
#include "report/metric.h"

namespace seqbench {
namespace {

constexpr std::size_t kLeastTurns = 2;  // for a spread

using Timings = std::function<SpeedSamples(const Cost&)>;

SpeedSamples at(const std::map<std::int64_t, SpeedSamples>& by_context, std::int64_t context) {
  const auto found = by_context.find(context);
  return found == by_context.end() ? SpeedSamples{} : found->second;
}

Turns turns_of(const Runs& runs, const Timings& timings) {
  std::map<std::filesystem::path, std::vector<double>> turns;
  for (const Record* run : runs) {
    if (!run->ok()) continue;
    for (const SpeedSample& sample : timings(run->stored->result.cost))
      turns[run->folder.parent_path().parent_path()].push_back(sample.tokens_per_s / sample.gemm_gflops);
  }
  Turns all;
  for (auto& [folder, shares] : turns) all.push_back(std::move(shares));
  return all;
}

std::size_t runs_timed(const Runs& runs, const Timings& timings) {
  return static_cast<std::size_t>(std::ranges::count_if(
      runs, [&](const Record* run) { return run->ok() && !timings(run->stored->result.cost).empty(); }));
}

// Of the contexts that any run of one side and any of the other was timed at; 0 when there is none.
std::int64_t longest_common(const Runs& base, const Runs& fresh) {
  const auto contexts = [](const Runs& runs) {
    std::set<std::int64_t> found;
    for (const Record* run : runs) {
      if (!run->ok()) continue;
      for (const auto& [context, samples] : run->stored->result.cost.decode_samples) found.insert(context);
    }
    return found;
  };
  std::int64_t longest = 0;
  const auto theirs = contexts(fresh);
  for (const std::int64_t context : contexts(base)) {
    if (theirs.contains(context)) longest = context;
  }
  return longest;
}

bool timed(const Runs& runs) {
  return std::ranges::any_of(runs, [](const Record* run) {
    return run->ok() && run->stored->result.cost.train_tokens_per_s.has_value();
  });
}

std::set<int> threads_of(const Runs& runs) {
  std::set<int> threads;
  for (const Record* run : runs) {
    if (run->ok()) threads.insert(run->stored->environment.threads);
  }
  return threads;
}

std::vector<double> logs_of(const Turns& turns) {
  std::vector<double> logs;
  for (const std::vector<double>& turn : turns) logs.push_back(std::log(median(turn)));
  return logs;
}

// How likely chance alone takes the ratio so far beyond the margin; 1 within it.
double p_beyond(const Comparison& logs, double margin, std::size_t freedom) {
  const double edge = logs.difference < 0 ? std::log(1 - margin) : std::log(1 + margin);
  const double beyond = std::abs(logs.difference) - std::abs(edge);
  if (beyond <= 0) return 1;
  return logs.standard_error > 0 ? student_p(beyond / logs.standard_error, freedom) : 0;
}

// More turns until the ratio is told from the margin, on whichever side of it.
std::string what_would_tell(const Comparison& logs, double margin, std::size_t turns, std::size_t tests) {
  const double distance = std::abs(std::abs(logs.difference) - std::abs(std::log(1 - margin)));
  const double needed = static_cast<double>(runs_for(std::max(distance, margin / 4), logs.standard_error,
                                                     turns, kSmallP / static_cast<double>(tests)));
  return more_would_tell(needed, turns, "turn");
}

}  // namespace

SpeedComparison compare_speeds(const Runs& base, const Runs& fresh) {
  SpeedComparison result;
  const auto add = [&](const std::string& name, const Timings& timings) {
    SpeedFigure figure;
    figure.base = turns_of(base, timings);
    figure.fresh = turns_of(fresh, timings);
    if (figure.base.empty() || figure.fresh.empty()) return;
    figure.row.figure = name;
    figure.row.base_runs = runs_timed(base, timings);
    figure.row.fresh_runs = runs_timed(fresh, timings);
    result.figures.push_back(std::move(figure));
  };
  const std::set<int> before = threads_of(base), after = threads_of(fresh);
  if (before == after) {
    add("train speed", [](const Cost& cost) { return cost.train_samples; });
  } else if (timed(base) && timed(fresh)) {
    result.problems.push_back(
        fmt::format("train speed is not compared: BASE ran on {} threads and NEW on {}.",
                    fmt::join(before, ", "), fmt::join(after, ", ")));
  }
  if (const std::int64_t context = longest_common(base, fresh); context > 0) {
    add(fmt::format("prefill speed at {}", context),
        [&](const Cost& cost) { return at(cost.prefill_samples, context); });
    add(fmt::format("decode speed at {}", context),
        [&](const Cost& cost) { return at(cost.decode_samples, context); });
  }
  if (result.figures.empty() && result.problems.empty() && (timed(base) || timed(fresh)))
    result.problems.emplace_back("speed is not compared: its timings are not in both BASE and NEW.");
  return result;
}

void decide(std::vector<SpeedFigure>& all, double margin) {
  struct Tested {
    SpeedFigure* figure;
    Comparison logs;
  };
  std::vector<Tested> tested;
  std::vector<double> p;
  for (SpeedFigure& figure : all) {
    Compared& row = figure.row;
    const std::vector<double> before = logs_of(figure.base), after = logs_of(figure.fresh);
    row.is_speed = true;
    row.base = 1;
    row.fresh = std::exp(mean(after) - mean(before));
    row.interval = {kNone, kNone};
    const std::size_t turns = std::min(before.size(), after.size());
    if (turns < kLeastTurns) {
      row.why = fmt::format("{} turn; more would tell, each with an --out of its own", turns);
      continue;
    }
    const Comparison logs = compare_pooled(before, after);
    row.interval = {std::exp(logs.interval.low), std::exp(logs.interval.high)};
    p.push_back(p_beyond(logs, margin, before.size() + after.size() - 2));
    tested.push_back({&figure, logs});
  }
  p = holm(p);
  for (std::size_t i = 0; i < tested.size(); ++i) {
    Compared& row = tested[i].figure->row;
    const std::size_t turns = std::min(tested[i].figure->base.size(), tested[i].figure->fresh.size());
    row.why = fmt::format("{} turns", turns);
    if (p[i] < kSmallP) {
      row.verdict = row.fresh < 1 ? Verdict::worse : Verdict::better;
      row.why += ", " + p_text(p[i]);
    } else if (row.interval.low >= 1 - margin && row.interval.high <= 1 + margin) {
      row.verdict = Verdict::same;
    } else {
      row.why += "; " + what_would_tell(tested[i].logs, margin, turns, p.size());
    }
  }
}

}  // namespace seqbench
