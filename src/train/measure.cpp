#include "train/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <set>

#include "base/random.h"
#include "kernels/flops.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Tokens are read in pieces, so that activations stay in the cache however long the context.
constexpr std::int64_t kPiece = 512;
constexpr std::int64_t kCountedSamples = 16;  // over which FLOPs are counted: they may differ in length
constexpr double kLongStep = 0.5;             // seconds: warming up is a small part of it
constexpr int kPrefills = 3;
constexpr int kDecodedTokens = 33;

// Decoding as a user would: one sequence on one thread.
class Decoder {
 public:
  Decoder(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size, std::int64_t tokens)
      : model_(model), weights_(weights) {
    Random random(0, "tokens to time decoding with");
    for (std::int64_t i = 0; i < tokens; ++i) {
      tokens_.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab_size))));
    }
  }
  DecodeState prefill(std::int64_t count) {
    DecodeState state = model_.empty_state(1, weights_.dtype());
    for (std::int64_t first = 0; first < count; first += kPiece)
      read(first, std::min(kPiece, count - first), state);
    return state;
  }
  void read(std::int64_t first, std::int64_t count, DecodeState& state) {
    arena_.reset();
    Tape tape(model_.parameters(), weights_, nullptr, arena_);
    model_.extend(
        tape, std::span(tokens_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
        state);
  }

 private:
  const LanguageModel& model_;
  const Buffer& weights_;
  std::vector<std::int32_t> tokens_;
  Arena arena_;
};

void measure_context(Decoder& decoder, std::int64_t context, bool speed, Cost& cost) {
  std::vector<double> prefills;
  DecodeState state;
  for (int i = 0; i < (speed ? kPrefills : 1); ++i) {
    const auto start = Clock::now();
    state = decoder.prefill(context);
    prefills.push_back(since(start));
  }
  cost.state_bytes[context] = state.bytes();
  if (!speed) return;
  cost.prefill_tokens_per_s[context] = static_cast<double>(context) / median(prefills);
  std::vector<double> steps;
  for (int i = 0; i < kDecodedTokens; ++i) {
    const auto start = Clock::now();
    decoder.read(i, 1, state);
    steps.push_back(since(start));
  }
  cost.decode_us_per_token[context] = median(steps) * 1e6;
}

}  // namespace

double flops_per_token(const Task& task, const LanguageModel& model, const Buffer& weights) {
  kernels::use_one_thread_per_kernel();
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < std::max(kCountedSamples, sequences_at_once(task.length())); ++i)
    samples.push_back(task.sample(Split::train, i));
  std::ranges::stable_sort(samples, {}, [](const Sample& sample) { return sample.tokens.size(); });
  Gradients gradients(model.parameters(), weights.dtype());
  Arena arena;
  Batch batch;
  std::int64_t tokens = 0;
  const double before = flops::counted();
  for (const std::span<const Sample> stretch : stretches(samples)) {
    arena.reset();
    Tape tape(model.parameters(), weights, &gradients, arena);
    batch.fill(stretch);
    batch.run(tape, model);
    tokens += batch.tokens();
  }
  return (flops::counted() - before) / static_cast<double>(tokens);
}

StepTime step_time(Trainer& trainer, int repeats, double seconds) {
  std::vector<double> times, rates;
  const auto start = Clock::now();
  const auto timed_step = [&] {
    const auto step = Clock::now();
    const std::int64_t tokens = trainer.step(0).tokens;
    times.push_back(since(step));
    rates.push_back(static_cast<double>(tokens) / times.back());
  };
  timed_step();
  if (times.back() < kLongStep || repeats > 1) {
    times.clear();
    rates.clear();
  }
  while (static_cast<int>(times.size()) < repeats || since(start) < seconds) timed_step();
  return {.seconds = median(times), .tokens_per_s = median(rates)};
}

void measure(const Task& task, const LanguageModel& model, const Options& measure_options, Trainer& trainer,
             Cost& cost) {
  const bool speed = measure_options.flag("speed");
  kernels::use_one_thread_per_kernel();
  std::set<std::int64_t> contexts(measure_options.integers("contexts").begin(),
                                  measure_options.integers("contexts").end());
  contexts.insert(task.length());
  if (speed) cost.train_tokens_per_s = step_time(trainer, 5, 0.5).tokens_per_s;
  for (const std::int64_t context : contexts) {
    // Learned positions end somewhere: longer contexts have no figure.
    const std::int64_t longest = model.longest();
    const bool fits = longest == 0 || context + (speed ? kDecodedTokens : 0) <= longest;
    if (!fits && context > longest) continue;
    Decoder decoder(model, trainer.state().weights, task.vocab_size(), context + kDecodedTokens);
    measure_context(decoder, context, speed && fits, cost);
  }
  cost.peak_bytes = trainer.peak_bytes();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  cost.process_peak_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace seqbench
