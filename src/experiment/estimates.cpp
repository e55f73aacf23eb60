#include "experiment/estimates.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/error.h"

namespace seqbench {
namespace {

std::string key_of(const PlannedRun& run) {
  Json key = run.resolved;
  key.erase("name");
  key.erase("seed");
  key["train"].erase("lr");
  return key.dump();
}

std::vector<std::size_t> all_runs(const Plan& plan) {
  std::vector<std::size_t> runs(plan.runs.size());
  std::iota(runs.begin(), runs.end(), std::size_t{0});
  return runs;
}

// By their text, in which all machines sort them alike.
using Configurations = std::map<std::string, std::vector<std::size_t>>;

Configurations configurations_of(const Plan& plan, const std::vector<std::size_t>& runs) {
  Configurations configurations;
  for (const std::size_t run : runs) configurations[key_of(plan.runs[run])].push_back(run);
  return configurations;
}

// A run that cannot be timed (out of memory, a file that is gone) most likely fails as soon as it starts.
double seconds_of(const RunSpec& spec, int threads) try {
  return estimate(spec, threads).seconds;
} catch (const std::exception&) {
  return 0;
}

// 0 for anything but digits.
std::size_t count_of(std::string_view text) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  return error == std::errc() && end == text.data() + text.size() ? count : 0;
}

}  // namespace

const Estimate& Estimates::of(const PlannedRun& run) {
  const auto [entry, fresh] = known_.try_emplace(key_of(run));
  if (fresh) entry->second = estimate(run.spec, threads_);
  return entry->second;
}

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  Shard shard{0, 0};
  if (slash != std::string::npos) shard = {count_of(text.substr(0, slash)), count_of(text.substr(slash + 1))};
  fail_if(shard.part < 1 || shard.part > shard.of,
          "--shard {}: expected i/n with i from 1 to n, like 2/4: the second of four parts.", text);
  return shard;
}

std::vector<std::size_t> parts_of(const Plan& plan, std::size_t of) {
  std::vector<std::size_t> parts(plan.runs.size());
  std::size_t dealt = 0;
  for (const auto& [key, members] : configurations_of(plan, all_runs(plan))) {
    for (const std::size_t run : members) parts[run] = dealt++ % of + 1;
  }
  return parts;
}

std::vector<std::size_t> runs_of(const Plan& plan, const Shard& shard) {
  const std::vector<std::size_t> parts = parts_of(plan, shard.of);
  std::vector<std::size_t> runs = all_runs(plan);
  std::erase_if(runs, [&](std::size_t run) { return parts[run] != shard.part; });
  return runs;
}

std::vector<double> weights_of(const Plan& plan, const std::vector<std::size_t>& runs, int threads,
                               const std::atomic<bool>& interrupted) {
  std::vector<double> weights(plan.runs.size(), 1);
  const Configurations configurations = configurations_of(plan, runs);
  if (configurations.size() < 2) return weights;
  for (const auto& [key, members] : configurations) {
    if (interrupted) break;
    const double seconds = seconds_of(plan.runs[members.front()].spec, threads);
    for (const std::size_t run : members) weights[run] = seconds;
  }
  return weights;
}

std::vector<std::size_t> longest_first(std::vector<std::size_t> runs, const std::vector<double>& weights) {
  std::ranges::stable_sort(runs, std::greater{}, [&](std::size_t run) { return weights[run]; });
  return runs;
}

}  // namespace seqbench
