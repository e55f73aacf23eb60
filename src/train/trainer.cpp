#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/parallel.h"
#include "kernels/adamw.h"
#include "kernels/elementwise.h"

namespace seqbench {
namespace {

// Of AdamW and the sum over lanes: large enough to hide the call, small enough that the lanes' parts share an
// L2 cache.
constexpr std::int64_t kStretch = 16384;

constexpr double kBeta1 = 0.9;
constexpr double kBeta2 = 0.999;
constexpr double kEps = 1e-8;

}  // namespace

double learning_rate(const Options& train, std::int64_t step) {
  const double peak = train.real("lr");
  const auto steps = static_cast<double>(train.integer("steps"));
  const double warmup = std::ceil(train.real("warmup") * steps);
  const auto done = static_cast<double>(step);
  if (done < warmup) return peak * (done + 1) / warmup;
  if (train.text("schedule") == "constant") return peak;
  return peak * 0.5 * (1 + std::cos(std::numbers::pi * (done - warmup) / (steps - warmup)));
}

Trainer::Trainer(const Task& task, const LanguageModel& model, const Options& train, std::uint64_t seed,
                 int threads)
    : task_(task),
      model_(model),
      batch_(train.integer("batch")),
      clip_(train.real("clip")),
      weight_decay_(train.real("weight_decay")),
      threads_(threads),
      arenas_(static_cast<std::size_t>(threads)) {
  const Parameters& parameters = model.parameters();
  state_.weights = parameters.initial(seed, DType::f32);
  state_.first_moment = Buffer(parameters.flat_size(), DType::f32);
  state_.second_moment = Buffer(parameters.flat_size(), DType::f32);
  gradient_ = Buffer(parameters.flat_size(), DType::f32);
  for (std::int64_t i = 0; i < train.integer("lanes"); ++i)
    lanes_.push_back({Gradients(parameters, DType::f32), {}, {}, 0});
  for (const Parameter& parameter : parameters.all()) {
    for (std::int64_t first = 0; first < parameter.size(); first += kStretch) {
      stretches_.push_back(
          {parameter.offset + first, std::min(kStretch, parameter.size() - first), parameter.decays()});
    }
  }
}

void Trainer::run_lane(Lane& lane, std::int64_t index, Arena& arena, const Stop& stop) {
  const auto lanes = static_cast<std::int64_t>(lanes_.size());
  const std::int64_t end = (index + 1) * batch_ / lanes;
  lane.gradients.forget();
  lane.tally = {};
  lane.tokens = 0;
  std::vector<Sample> samples;
  for (std::int64_t i = index * batch_ / lanes; i < end; ++i) {
    stop.check();
    samples.push_back(task_.sample(Split::train, state_.step * batch_ + i));
  }
  std::ranges::stable_sort(samples, {}, [](const Sample& sample) { return sample.tokens.size(); });
  for (const std::span<const Sample> stretch : stretches(samples)) {
    lane.batch.fill(stretch);
    arena.reset();
    Tape tape(model_.parameters(), state_.weights, &lane.gradients, arena, stop);
    lane.batch.run(tape, model_);
    lane.tally.add(stretch, lane.batch.scores());
    lane.tokens += lane.batch.tokens();
  }
  lane.gradients.clear_unwritten();
}

// The gradient of the mean loss over `labels` positions; returns its norm.
double Trainer::sum_gradients(std::int64_t labels) {
  std::vector<double> squares(stretches_.size());
  parallel_for(threads_, static_cast<std::int64_t>(stretches_.size()), [&](int, std::int64_t i) {
    const Stretch& stretch = stretches_[static_cast<std::size_t>(i)];
    std::vector<const float*> parts;
    for (const Lane& lane : lanes_) parts.push_back(lane.gradients.values().as<float>() + stretch.first);
    float* sum = gradient_.as<float>() + stretch.first;
    kernels::sum_lanes(stretch.count, static_cast<std::int64_t>(parts.size()), parts.data(),
                       1.0F / static_cast<float>(labels), sum);
    squares[static_cast<std::size_t>(i)] = kernels::squared_sum(stretch.count, sum);
  });
  double total = 0;
  for (const double square : squares) total += square;
  return std::sqrt(total);
}

void Trainer::update(double lr, double gradient_scale) {
  const auto count = static_cast<double>(state_.step + 1);
  parallel_for(threads_, static_cast<std::int64_t>(stretches_.size()), [&](int, std::int64_t i) {
    const Stretch& stretch = stretches_[static_cast<std::size_t>(i)];
    kernels::adamw(
        {.lr = lr,
         .beta1 = kBeta1,
         .beta2 = kBeta2,
         .eps = kEps,
         .weight_decay = stretch.decays ? weight_decay_ : 0.0,
         .correction1 = 1 - std::pow(kBeta1, count),
         .correction2 = 1 - std::pow(kBeta2, count),
         .gradient_scale = gradient_scale},
        stretch.count, gradient_.as<float>() + stretch.first, state_.weights.as<float>() + stretch.first,
        state_.first_moment.as<float>() + stretch.first, state_.second_moment.as<float>() + stretch.first);
  });
}

Trainer::Step Trainer::step(double lr, const Stop& stop) {
  parallel_for(threads_, static_cast<std::int64_t>(lanes_.size()), [&](int worker, std::int64_t i) {
    run_lane(lanes_[static_cast<std::size_t>(i)], i, arenas_[static_cast<std::size_t>(worker)], stop);
  });
  Step result;
  for (const Lane& lane : lanes_) {
    result.sum.add(lane.tally.all());
    result.tokens += lane.tokens;
  }
  result.gradient_norm = sum_gradients(result.sum.labels);
  result.finite = std::isfinite(result.sum.loss) && std::isfinite(result.gradient_norm);
  if (result.finite) {
    update(lr, clip_ > 0 && result.gradient_norm > clip_ ? clip_ / result.gradient_norm : 1.0);
  }
  ++state_.step;
  return result;
}

std::int64_t Trainer::peak_bytes() const {
  std::int64_t sum =
      state_.weights.bytes() + state_.first_moment.bytes() + state_.second_moment.bytes() + gradient_.bytes();
  for (const Lane& lane : lanes_) sum += lane.gradients.values().bytes();
  for (const Arena& arena : arenas_) sum += static_cast<std::int64_t>(arena.peak_bytes());
  return sum;
}

}  // namespace seqbench
