#include "train/measure.h"

#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <set>

#include "base/random.h"
#include "kernels/flops.h"
#include "kernels/matmul.h"
#include "train/machine_rate.h"

namespace seqbench {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

template <class T, class Projection = std::identity>
T median(std::vector<T> values, Projection projection = {}) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle, {}, projection);
  return *middle;
}

// Tokens are read in pieces, so that activations stay in the cache however long the context.
constexpr std::int64_t kPiece = 512;
constexpr std::int64_t kCountedSamples = 16;  // over which FLOPs are counted: they may differ in length
constexpr int kRepeats = 5;
constexpr double kTrainSeconds = 0.1;  // of a timing, at least
constexpr double kGemmSeconds = 0.02;  // of the machine's rate: machine_rate.h
constexpr double kPrefillSeconds = 0.02;
constexpr int kDecodedTokens = 33;

// The rate of `work`, which says how many tokens it read, repeated for `seconds` or once.
template <class F>
double tokens_per_s(double seconds, const F& work) {
  const auto start = Clock::now();
  std::int64_t tokens = 0;
  do tokens += work();
  while (since(start) < seconds);
  return static_cast<double>(tokens) / since(start);
}

double median_rate(const SpeedSamples& samples) {
  return median(samples, &SpeedSample::tokens_per_s).tokens_per_s;
}

// Decoding as a user would: one sequence on one thread.
class Decoder {
 public:
  Decoder(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size, std::int64_t tokens,
          const Stop& stop)
      : model_(model), weights_(weights), stop_(stop) {
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
    Tape tape(model_.parameters(), weights_, nullptr, arena_, stop_);
    model_.extend(
        tape, std::span(tokens_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count)),
        state);
  }

 private:
  const LanguageModel& model_;
  const Buffer& weights_;
  Stop stop_;
  std::vector<std::int32_t> tokens_;
  Arena arena_;
};

// Of a burst of tokens, by its median one.
double decoded_per_s(Decoder& decoder, DecodeState& state) {
  std::vector<double> seconds;
  for (int i = 0; i < kDecodedTokens; ++i) {
    const auto start = Clock::now();
    decoder.read(i, 1, state);
    seconds.push_back(since(start));
  }
  return 1 / median(seconds);
}

// The machine's rate is taken between the two timings, right beside both.
void measure_context_speed(Decoder& decoder, std::int64_t context, Cost& cost) {
  SpeedSamples prefills, decodes;
  for (int i = 0; i < kRepeats; ++i) {
    DecodeState state;
    const double prefilled = tokens_per_s(kPrefillSeconds, [&] {
      state = decoder.prefill(context);
      return context;
    });
    const double machine = gemm_gflops(1);
    prefills.push_back({.tokens_per_s = prefilled, .gemm_gflops = machine});
    decodes.push_back({.tokens_per_s = decoded_per_s(decoder, state), .gemm_gflops = machine});
  }
  cost.prefill_tokens_per_s[context] = median_rate(prefills);
  cost.decode_us_per_token[context] = 1e6 / median_rate(decodes);
  cost.prefill_samples[context] = std::move(prefills);
  cost.decode_samples[context] = std::move(decodes);
}

void measure_train_speed(Trainer& trainer, int threads, Cost& cost, const Stop& stop) {
  trainer.step(0, stop);
  for (int i = 0; i < kRepeats; ++i) {
    const double machine = gemm_gflops(threads);
    const double trained = tokens_per_s(kTrainSeconds, [&] { return trainer.step(0, stop).tokens; });
    cost.train_samples.push_back({.tokens_per_s = trained, .gemm_gflops = machine});
  }
  cost.train_tokens_per_s = median_rate(cost.train_samples);
}

}  // namespace

double flops_per_token(const Task& task, const LanguageModel& model, const Buffer& weights,
                       const Stop& stop) {
  kernels::use_one_thread_per_kernel();
  std::vector<Sample> samples;
  for (std::int64_t i = 0; i < counted_samples(task.length()); ++i) {
    stop.check();
    samples.push_back(task.sample(Split::train, i));
  }
  std::ranges::stable_sort(samples, {}, [](const Sample& sample) { return sample.tokens.size(); });
  Gradients gradients(model.parameters(), weights.dtype());
  Arena arena;
  Batch batch;
  std::int64_t tokens = 0;
  const double before = flops::counted();
  for (const std::span<const Sample> stretch : stretches(samples)) {
    arena.reset();
    Tape tape(model.parameters(), weights, &gradients, arena, stop);
    batch.fill(stretch);
    batch.run(tape, model);
    tokens += batch.tokens();
  }
  return (flops::counted() - before) / static_cast<double>(tokens);
}

std::int64_t counted_samples(std::int64_t length) {
  return std::max(kCountedSamples, sequences_at_once(length));
}

double training_repeats(double step) {
  return step + kRepeats * (kGemmSeconds + std::max(step, kTrainSeconds));
}

double context_repeats(double read, double token) {
  return kRepeats * (kGemmSeconds + std::max(read, kPrefillSeconds) + kDecodedTokens * token);
}

DecodeState state_after(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size,
                        std::int64_t tokens) {
  return Decoder(model, weights, vocab_size, tokens, {}).prefill(tokens);
}

void measure(const Task& task, const LanguageModel& model, const Options& measure_options, Trainer& trainer,
             int threads, Cost& cost, WorkProgress& progress, const Stop& stop) {
  const bool speed = measure_options.flag("speed");
  kernels::use_one_thread_per_kernel();
  std::set<std::int64_t> contexts(measure_options.integers("contexts").begin(),
                                  measure_options.integers("contexts").end());
  cost.task_length = task.length();
  contexts.insert(cost.task_length);
  for (const std::int64_t context : contexts) progress.expect(1, context);
  if (speed) measure_train_speed(trainer, threads, cost, stop);
  for (const std::int64_t context : contexts) {
    // Learned positions end somewhere: longer contexts have no figure.
    const std::int64_t longest = model.longest();
    const bool fits = longest == 0 || context + (speed ? kDecodedTokens : 0) <= longest;
    if (!fits && context > longest) continue;
    Decoder decoder(model, trainer.state().weights, task.vocab_size(), context + kDecodedTokens, stop);
    cost.state_bytes[context] = decoder.prefill(context).bytes();
    if (speed && fits) measure_context_speed(decoder, context, cost);
    progress.done(1, context);
  }
  cost.peak_bytes = trainer.peak_bytes();
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  cost.process_peak_bytes = static_cast<std::int64_t>(usage.ru_maxrss) * 1024;
}

}  // namespace seqbench
