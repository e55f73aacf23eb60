#include "experiment/estimates.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "model/language_model.h"

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

constexpr double kWeighing = 10;  // seconds, at most
constexpr double kEffort = 0.02;  // of a timing then

// A run that cannot be timed (out of memory, a file that is gone) most likely fails as soon as it starts.
double seconds_of(const RunSpec& spec, Pricer& pricer) try {
  return pricer.of(spec).price.seconds();
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

std::vector<std::vector<std::size_t>> configurations_of(const Plan& plan,
                                                        const std::vector<std::size_t>& runs) {
  std::vector<std::vector<std::size_t>> configurations;
  std::map<std::string, std::size_t> known;
  for (const std::size_t run : runs) {
    const auto [entry, fresh] = known.try_emplace(key_of(plan.runs[run]), configurations.size());
    if (fresh) configurations.emplace_back();
    configurations[entry->second].push_back(run);
  }
  return configurations;
}

Pricer::Pricer(int threads, double effort, double limit, const Stop& stop)
    : threads_(threads),
      effort_(effort),
      stop_(stop.with_limit(Stop::Clock::now() + std::chrono::milliseconds(std::llround(1000 * limit)))) {}

Pricer::Priced Pricer::of(const RunSpec& spec) {
  if (over_) return {in_proportion(spec), false};
  try {
    const Price priced = price(spec, threads_, effort_, stop_);
    sum_.train_flops += priced.train_flops;
    sum_.train_seconds += priced.train_seconds;
    sum_.valid_seconds += priced.valid_seconds;
    sum_.test_seconds += priced.test_seconds;
    sum_.measure_seconds += priced.measure_seconds;
    work_ += rough_work(spec);
    return {priced, true};
  } catch (const OutOfTime&) {
    over_ = true;
    return {in_proportion(spec), false};
  }
}

// Where nothing was timed, a processor of 10 GFLOP/s a thread, of which a parameter takes two a token.
Price Pricer::in_proportion(const RunSpec& spec) const {
  const double work = rough_work(spec);
  Price priced{.parameters =
                   LanguageModel(spec.model, make_task(spec)->vocab_size(), 1).parameters().count()};
  if (work_ <= 0) {
    priced.train_flops = 2 * work;
    priced.train_seconds = 2e-10 * work / threads_;
    return priced;
  }
  const double share = work / work_;
  priced.train_flops = share * sum_.train_flops;
  priced.train_seconds = share * sum_.train_seconds;
  priced.valid_seconds = share * sum_.valid_seconds;
  priced.test_seconds = share * sum_.test_seconds;
  priced.measure_seconds = share * sum_.measure_seconds;
  return priced;
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
  // By their text, in which all machines sort them alike.
  std::map<std::string, std::vector<std::size_t>> configurations;
  for (const std::size_t run : all_runs(plan)) configurations[key_of(plan.runs[run])].push_back(run);
  for (const auto& [key, members] : configurations) {
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
                               const Stop& stop) {
  std::vector<double> weights(plan.runs.size(), 1);
  const auto configurations = configurations_of(plan, runs);
  if (configurations.size() < 2) return weights;
  Pricer pricer(threads, kEffort, kWeighing, stop);
  for (const std::vector<std::size_t>& members : configurations) {
    if (stop.asked()) break;
    try {
      const double seconds = seconds_of(plan.runs[members.front()].spec, pricer);
      for (const std::size_t run : members) weights[run] = seconds;
    } catch (const Interrupted&) {
      break;
    }
  }
  return weights;
}

std::vector<std::size_t> longest_first(std::vector<std::size_t> runs, const std::vector<double>& weights) {
  std::ranges::stable_sort(runs, std::greater{}, [&](std::size_t run) { return weights[run]; });
  return runs;
}

}  // namespace seqbench
