#include "report/compare_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "report/compare_score.h"

namespace seqbench {
namespace {

constexpr std::size_t kLeastRuns = 3;  // for a bootstrap to say anything

using Timings = std::function<SpeedSamples(const Cost&)>;

SpeedSamples at(const std::map<std::int64_t, SpeedSamples>& by_context, std::int64_t context) {
  const auto found = by_context.find(context);
  return found == by_context.end() ? SpeedSamples{} : found->second;
}

// Per run, its rates as shares of what the machine did beside them.
Samples samples_of(const Runs& runs, const Timings& timings) {
  Samples samples;
  for (const Record* run : runs) {
    if (!run->ok()) continue;
    std::vector<double> shares;
    for (const SpeedSample& sample : timings(run->stored->result.cost))
      shares.push_back(sample.tokens_per_s / sample.gemm_gflops);
    if (!shares.empty()) samples.push_back(std::move(shares));
  }
  return samples;
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

double middle_of(const Samples& samples) {
  std::vector<double> all;
  for (const auto& run : samples) all.insert(all.end(), run.begin(), run.end());
  return median(std::move(all));
}

Compared compared(const Samples& base, const Samples& fresh, double margin) {
  Compared row;
  row.is_speed = true;
  row.base = 1;
  row.fresh = middle_of(fresh) / middle_of(base);
  row.base_runs = base.size();
  row.fresh_runs = fresh.size();
  row.interval = bootstrap_ratio(base, fresh);
  const auto [low, high] = row.interval;
  const std::size_t runs = std::min(base.size(), fresh.size());
  if (runs < kLeastRuns) {
    row.why = fmt::format("{} run{}; {} more would tell", runs, runs == 1 ? "" : "s", kLeastRuns - runs);
  } else if (high < 1 - margin) {
    row.verdict = Verdict::worse;
  } else if (low > 1 + margin) {
    row.verdict = Verdict::better;
  } else if (low >= 1 - margin && high <= 1 + margin) {
    row.verdict = Verdict::same;
  } else {
    const double beyond = std::abs(std::abs(1 - row.fresh) - margin);
    const double factor = (high - low) / 2 / std::max(beyond, margin / 2);
    row.why = more_runs(static_cast<double>(runs) * factor * factor, runs);
  }
  return row;
}

}  // namespace

SpeedComparison compare_speeds(const Runs& base, const Runs& fresh, double margin) {
  SpeedComparison result;
  const auto add = [&](const std::string& figure, const Timings& timings) {
    const Samples before = samples_of(base, timings);
    const Samples after = samples_of(fresh, timings);
    if (before.empty() || after.empty()) return;
    result.rows.push_back(compared(before, after, margin));
    result.rows.back().figure = figure;
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
  if (result.rows.empty() && result.problems.empty() && (timed(base) || timed(fresh)))
    result.problems.emplace_back("speed is not compared: its timings are not in both BASE and NEW.");
  return result;
}

}  // namespace seqbench
