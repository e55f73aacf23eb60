#include "train/passes.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/parallel.h"
#include "base/random.h"
#include "kernels/flops.h"
#include "kernels/matmul.h"

namespace seqbench {
namespace {

using Clock = Stop::Clock;

constexpr std::int64_t kSamples = 16;     // of the task, to see how densely they are labelled
constexpr double kQuickFlops = 1e10;      // of a pass: under a second on any processor with AVX2
constexpr std::int64_t kQuickest = 32;    // rows that are always run
constexpr double kUneven = 1.1;           // buffers of kernels grow in steps: 2% beyond the curve were seen
constexpr std::int64_t kMostRows = 1024;  // and at most
constexpr std::int64_t kPiece = 512;      // of a context: measure.cpp
constexpr int kRepeats = 5;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double median(std::vector<double> values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::ranges::nth_element(values, middle);
  return *middle;
}

double label_share_of(const Task& task) {
  double share = 0;
  for (std::int64_t i = 0; i < kSamples; ++i) {
    const Sample sample = task.sample(Split::train, i);
    const auto labels =
        static_cast<double>(std::ssize(sample.labels) - std::ranges::count(sample.labels, kIgnore));
    share = std::max(share, labels / static_cast<double>(sample.labels.size()));
  }
  return share;
}

std::vector<std::int32_t> random_tokens(std::int64_t count, std::int64_t vocab_size) {
  Random random(0, "tokens to price passes with");
  std::vector<std::int32_t> tokens;
  for (std::int64_t i = 0; i < count; ++i)
    tokens.push_back(static_cast<std::int32_t>(random.below(static_cast<std::uint64_t>(vocab_size))));
  return tokens;
}

}  // namespace

Growth growth(double n1, double at1, double n2, double at2) {
  const double b = n2 > n1 ? std::max(0.0, (at2 / n2 - at1 / n1) / (n2 - n1)) : 0.0;
  return {.a = at2 / n2 - b * n2, .b = b};
}

Passes::Passes(const LanguageModel& model, const Buffer& weights, const Task& task, const Stop& stop)
    : model_(model),
      weights_(weights),
      stop_(stop),
      vocab_size_(task.vocab_size()),
      label_share_(label_share_of(task)) {
  const double row = 6 * static_cast<double>(model.parameters().count());
  quick_rows_ = std::clamp(static_cast<std::int64_t>(kQuickFlops / row), kQuickest, kMostRows);
  if (model.longest() > 0) quick_rows_ = std::min(quick_rows_, std::max(kRows, model.longest()));
}

PassCost Passes::run(Kind kind, std::int64_t sequences, std::int64_t length, Arena& arena) const {
  kernels::use_one_thread_per_kernel();
  const auto labels =
      std::max<std::int64_t>(1, std::llround(std::ceil(label_share_ * static_cast<double>(length))));
  Sample sample{.tokens = random_tokens(length, vocab_size_),
                .labels = std::vector<std::int32_t>(static_cast<std::size_t>(length), kIgnore)};
  std::fill(sample.labels.end() - std::min(labels, length), sample.labels.end(), 0);
  Batch batch;
  batch.fill(std::vector<Sample>(static_cast<std::size_t>(sequences), sample));
  std::optional<Gradients> gradients;
  if (kind == Kind::train) gradients.emplace(model_.parameters(), weights_.dtype());
  const double before = flops::counted();
  arena.reset();
  Tape tape(model_.parameters(), weights_, gradients ? &*gradients : nullptr, arena, stop_);
  batch.run(tape, model_);
  return {.flops = flops::counted() - before, .bytes = static_cast<double>(arena.peak_bytes())};
}

const PassCost& Passes::ran(Kind kind, std::int64_t sequences, std::int64_t length) {
  const auto [entry, fresh] = ran_.try_emplace({kind, {sequences, length}});
  Arena arena;
  if (fresh) entry->second = run(kind, sequences, length, arena);
  return entry->second;
}

std::int64_t Passes::quick_sequences(std::int64_t length, std::int64_t wanted) const {
  return std::clamp<std::int64_t>(quick_rows_ / length, 1, wanted);
}

PassCost Passes::at_once(Kind kind, std::int64_t length, std::int64_t most) {
  const std::int64_t wanted = std::clamp<std::int64_t>(most, 1, sequences_at_once(length));
  if (length <= quick_rows_) {
    const std::int64_t sequences = quick_sequences(length, wanted);
    const PassCost& cost = ran(kind, sequences, length);
    const double times = static_cast<double>(wanted) / static_cast<double>(sequences);
    return {.flops = times * cost.flops, .bytes = times * cost.bytes};
  }
  const std::int64_t half = quick_rows_ / 2;
  const PassCost& shorter = ran(kind, 1, half);
  const PassCost& longer = ran(kind, 1, quick_rows_);
  const auto at = [&](double PassCost::*figure) {
    const Growth of =
        growth(static_cast<double>(half), shorter.*figure, static_cast<double>(quick_rows_), longer.*figure);
    return static_cast<double>(wanted) * of(static_cast<double>(length));
  };
  return {.flops = at(&PassCost::flops), .bytes = kUneven * at(&PassCost::bytes)};
}

double Passes::flops_of_one(Kind kind, std::int64_t length) {
  const std::int64_t sequences = sequences_at_once(length);
  return at_once(kind, length, sequences).flops / static_cast<double>(sequences);
}

double Passes::seconds_per_flop(Kind kind, std::int64_t length, int workers, double seconds) {
  length = std::min(length, quick_rows_);
  const auto [entry, fresh] = rates_.try_emplace({kind, length, workers});
  if (!fresh) return entry->second;
  const std::int64_t sequences = quick_sequences(length, sequences_at_once(length));
  std::vector<Arena> arenas(static_cast<std::size_t>(workers));
  std::vector<PassCost> costs(arenas.size());
  std::vector<double> taken;
  const auto start = Clock::now();
  do {
    const auto began = Clock::now();
    parallel_for(workers, workers, [&](int, std::int64_t i) {
      const auto worker = static_cast<std::size_t>(i);
      costs[worker] = run(kind, sequences, length, arenas[worker]);
    });
    taken.push_back(since(began));
  } while (taken.size() <= kRepeats && since(start) < seconds);
  if (taken.size() > 1) taken.erase(taken.begin());  // the first one warms up
  entry->second = median(taken) / (costs[0].flops * workers);
  return entry->second;
}

Reading::Reading(const LanguageModel& model, const Buffer& weights, std::int64_t vocab_size,
                 std::int64_t longest, double seconds, const Stop& stop) {
  kernels::use_one_thread_per_kernel();
  const std::vector<std::int32_t> tokens = random_tokens(kPiece, vocab_size);
  Arena arena;
  DecodeState state = model.empty_state(1, weights.dtype());
  const auto read = [&](std::int64_t count) {
    arena.reset();
    Tape tape(model.parameters(), weights, nullptr, arena, stop);
    model.extend(tape, std::span(tokens).first(static_cast<std::size_t>(count)), state);
  };
  struct Point {
    double tokens = 0, seconds = 0, state = 0, arena = 0, piece_flops = 0;
  };
  Point before, last;
  double spent = 0;
  std::int64_t done = 0;
  // Doubles what is read while that is quick, so that the two last points are far apart.
  for (std::int64_t to = std::min(kPiece, longest); done < longest; to = std::min(2 * to, longest)) {
    double piece_flops = 0;
    const auto start = Clock::now();
    while (done < to) {
      const std::int64_t count = std::min(kPiece, to - done);
      const double counted = flops::counted();
      read(count);
      piece_flops = (flops::counted() - counted) / static_cast<double>(count);
      done += count;
    }
    spent += since(start);
    before = last;
    last = {static_cast<double>(done), spent, static_cast<double>(state.bytes()),
            static_cast<double>(arena.peak_bytes()), piece_flops};
    if (spent > seconds / 3) break;
  }
  read_ = last.tokens;
  seconds_ = before.tokens > 0 ? growth(before.tokens, before.seconds, last.tokens, last.seconds)
                               : Growth{.a = last.seconds / last.tokens};
  const double step = std::max(1.0, last.tokens - before.tokens);
  const auto slope = [&](double Point::*figure) {
    return before.tokens > 0 ? std::max(0.0, (last.*figure - before.*figure) / step)
                             : last.*figure / last.tokens;
  };
  state_ = last.state;
  state_growth_ = slope(&Point::state);
  arena_ = last.arena;
  arena_growth_ = slope(&Point::arena);
  if (before.piece_flops > 0) token_growth_ = slope(&Point::piece_flops) / before.piece_flops;
  std::vector<double> taken;
  for (int i = 0; i < kRepeats; ++i) {
    if (model.longest() > 0 && state.tokens >= model.longest()) break;
    const auto start = Clock::now();
    read(1);
    taken.push_back(since(start));
  }
  token_seconds_ = taken.empty() ? last.seconds / last.tokens : median(taken);
}

double Reading::seconds(double context) const { return seconds_(context); }

double Reading::token_seconds(double context) const {
  return token_seconds_ * (1 + token_growth_ * std::max(0.0, context - read_));
}

double Reading::bytes(double context) const {
  const double beyond = std::max(0.0, context - read_);
  // A state that grows is moved to memory twice as large while the old one is still there.
  const double state = (state_ + state_growth_ * beyond) * (state_growth_ > 0 ? 3 : 1);
  return state + arena_ + arena_growth_ * beyond + 4 * context;
}

}  // namespace seqbench
