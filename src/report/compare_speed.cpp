#include "report/compare_speed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace seqbench {
namespace {

constexpr std::size_t kLeastRuns = 3;  // for a bootstrap to say anything

struct Speed {
  const char* figure;
  SpeedSamples (*samples)(const Cost&);
};

SpeedSamples at_longest(const std::map<std::int64_t, SpeedSamples>& by_context) {
  return by_context.empty() ? SpeedSamples{} : by_context.rbegin()->second;
}

constexpr Speed kSpeeds[] = {
    {"train speed", [](const Cost& cost) { return cost.train_samples; }},
    {"prefill speed", [](const Cost& cost) { return at_longest(cost.prefill_samples); }},
    {"decode speed", [](const Cost& cost) { return at_longest(cost.decode_samples); }}};

// Per run, its rates as shares of what the machine did beside them.
Samples samples_of(const Runs& runs, const Speed& speed) {
  Samples samples;
  for (const Record* run : runs) {
    if (!run->ok()) continue;
    std::vector<double> shares;
    for (const SpeedSample& sample : speed.samples(run->stored->result.cost))
      shares.push_back(sample.tokens_per_s / sample.gemm_gflops);
    if (!shares.empty()) samples.push_back(std::move(shares));
  }
  return samples;
}

double middle_of(const Samples& samples) {
  std::vector<double> all;
  for (const auto& run : samples) all.insert(all.end(), run.begin(), run.end());
  return median(std::move(all));
}

Compared compared(const Samples& base, const Samples& fresh, double margin) {
  Compared row;
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
    row.why = more_needed((high - low) / 2, std::max(beyond, margin / 2), runs);
  }
  return row;
}

}  // namespace

std::vector<Compared> compare_speeds(const Runs& base, const Runs& fresh, double margin) {
  std::vector<Compared> rows;
  for (const Speed& speed : kSpeeds) {
    const Samples before = samples_of(base, speed);
    const Samples after = samples_of(fresh, speed);
    if (before.empty() || after.empty()) continue;
    rows.push_back(compared(before, after, margin));
    rows.back().figure = speed.figure;
  }
  return rows;
}

bool has_speed(const Runs& runs) {
  return std::ranges::any_of(runs, [](const Record* run) {
    return run->ok() && run->stored->result.cost.train_tokens_per_s.has_value();
  });
}

std::string more_needed(double half_width, double wanted, std::size_t runs) {
  if (!std::isfinite(half_width) || !(wanted > 0)) return "more runs";
  const double factor = half_width / wanted;
  const double needed = std::ceil(static_cast<double>(runs) * factor * factor);
  return fmt::format("about {:.0f} more runs would tell", std::max(1.0, needed - static_cast<double>(runs)));
}

}  // namespace seqbench
