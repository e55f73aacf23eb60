#include "train/price.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "train/evaluate.h"
#include "train/measure.h"
#include "train/passes.h"
#include "train/trainer.h"

namespace seqbench {
namespace {

using Clock = Stop::Clock;
using Kind = Passes::Kind;

constexpr std::int64_t kSamples = 64;  // whose lengths are looked at
constexpr int kRepeats = 50;           // of a timing, at most
constexpr double kUnits = 4;           // timings of an example there should be time for
constexpr double kMostUnits = 64;
constexpr double kGuess = 2e-11;  // seconds per FLOP of one thread, to tell what is quick before it is timed

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Median seconds of `work` after one call that is not counted, within `effort` seconds.
template <class F>
double median_seconds(double effort, const F& work) {
  std::vector<double> taken;
  const auto start = Clock::now();
  do {
    const auto began = Clock::now();
    work();
    taken.push_back(since(began));
  } while (taken.size() <= kRepeats && since(start) < effort);
  if (taken.size() > 1) taken.erase(taken.begin());
  std::ranges::sort(taken);
  return taken[taken.size() / 2];
}

class Pricing {
 public:
  Pricing(const RunSpec& spec, int threads, double effort, const Stop& stop)
      : spec_(spec),
        threads_(threads),
        effort_(effort),
        stop_(stop),
        task_(make_task(spec)),
        model_(spec.model, task_->vocab_size(), task_->length()),
        weights_(model_.parameters().initial(spec.seed, DType::f32)),
        passes_(model_, weights_, *task_, stop) {
    for (std::int64_t i = 0; i < kSamples; ++i)
      lengths_.push_back(std::ssize(task_->sample(Split::train, i).tokens));
  }

  Price operator()() {
    const auto steps = static_cast<double>(spec_.train.integer("steps"));
    const auto batch = static_cast<double>(spec_.train.integer("batch"));
    const double of_one =
        mean([&](std::int64_t length) { return passes_.flops_of_one(Kind::train, length); });
    Price price{
        .parameters = model_.parameters().count(),
        .flops_per_token = of_one / mean([](std::int64_t length) { return static_cast<double>(length); }),
        .train_flops = of_one * batch * steps};
    const double step = step_seconds(of_one * batch);
    price.train_seconds = steps * step;
    const auto examples = static_cast<double>(spec_.eval.integer("examples"));
    const double points = std::ceil(steps / static_cast<double>(spec_.train.integer("valid_every")));
    const double own = example_seconds(*task_, Split::valid);
    price.valid_seconds = points * own * std::min(examples, there(*task_, Split::valid));
    price.test_seconds = own * std::max(examples, there(*task_, Split::valid, 0)) + tests(own, examples);
    price.measure_seconds = measuring(step, of_one);
    return price;
  }

 private:
  template <class F>
  double mean(const F& of_length) {
    double sum = 0;
    for (const std::int64_t length : lengths_) sum += of_length(length);
    return sum / static_cast<double>(lengths_.size());
  }

  // How many examples a split has; `without_end` of one that has as many as anyone asks for.
  static double there(const Task& task, Split split, double without_end = 1e18) {
    const std::int64_t examples = task.examples(split);
    return examples > 0 ? static_cast<double>(examples) : without_end;
  }

  double step_seconds(double flops) {
    const std::int64_t lanes = spec_.train.integer("lanes");
    const int workers = static_cast<int>(std::min<std::int64_t>(threads_, lanes));
    if (flops * kGuess / workers < effort_) {
      Trainer trainer(*task_, model_, spec_.train, spec_.seed, threads_);
      return median_seconds(effort_, [&] { trainer.step(0, stop_); });
    }
    // The last lanes leave some workers idle.
    const double idle =
        std::ceil(static_cast<double>(lanes) / workers) * workers / static_cast<double>(lanes);
    return flops * idle * passes_.seconds_per_flop(Kind::train, task_->length(), workers, effort_);
  }

  // Of one example of many.
  double example_seconds(const Task& task, Split split) {
    const std::int64_t length = task.length();
    const double flops = passes_.flops_of_one(Kind::score, length);
    const double unit = static_cast<double>(sequences_at_once(length)) * flops * kGuess;  // seconds
    if (unit < effort_) {
      // As many for each worker as make starting and ending together a small part.
      const double units = std::clamp(effort_ / kUnits / unit, 1.0, kMostUnits);
      const std::int64_t count = threads_ * sequences_at_once(length) * static_cast<std::int64_t>(units);
      const Evaluator evaluator{model_, weights_, threads_, kRows, nullptr, stop_};
      const std::int64_t some = task.examples(split) > 0 ? std::min(count, task.examples(split)) : count;
      return median_seconds(effort_, [&] { evaluator.score(task, split, some); }) / static_cast<double>(some);
    }
    return flops * passes_.seconds_per_flop(Kind::score, length, threads_, effort_);
  }

  double tests(double own, double examples) {
    double seconds = own * std::max(examples, there(*task_, Split::test, 0));
    for (const TaskSetting& setting : further_tests(spec_)) {
      if (setting.path == kOwnLength) continue;  // which is the test itself
      const std::unique_ptr<Task> other = make_task(spec_, setting);
      seconds += example_seconds(*other, Split::test) * std::max(examples, there(*other, Split::test, 0));
    }
    return seconds;
  }

  // What measure() does, as measure.cpp repeats it.
  double measuring(double step, double flops_of_one) {
    const bool speed = spec_.measure.flag("speed");
    std::vector<std::int64_t> contexts = {task_->length()};
    for (const std::int64_t context : spec_.measure.integers("contexts")) {
      const bool fits = model_.longest() == 0 || context <= model_.longest();
      if (fits && context != task_->length()) contexts.push_back(context);
    }
    const std::int64_t longest = *std::ranges::max_element(contexts);
    const Reading reading(model_, weights_, task_->vocab_size(), longest, effort_, stop_);
    double seconds = counting_seconds(flops_of_one);
    if (speed) seconds += training_repeats(step);
    for (const std::int64_t context : contexts) {
      const double read = reading.seconds(static_cast<double>(context));
      seconds += read;
      if (speed) seconds += context_repeats(read, reading.token_seconds(static_cast<double>(context)));
    }
    return seconds;
  }

  double counting_seconds(double flops_of_one) {
    const double samples = static_cast<double>(counted_samples(task_->length()));
    return samples * flops_of_one * passes_.seconds_per_flop(Kind::train, task_->length(), 1, effort_ / 4);
  }

  const RunSpec& spec_;
  int threads_;
  double effort_;
  Stop stop_;
  std::unique_ptr<Task> task_;
  LanguageModel model_;
  Buffer weights_;
  Passes passes_;
  std::vector<std::int64_t> lengths_;
};

}  // namespace

Price price(const RunSpec& spec, int threads, double effort, const Stop& stop) {
  return Pricing(spec, threads, effort, stop)();
}

double rough_work(const RunSpec& spec) {
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  const auto sequences = static_cast<double>(spec.train.integer("steps") * spec.train.integer("batch"));
  const auto examples = static_cast<double>(spec.eval.integer("examples"));
  const auto length = static_cast<double>(task->length());
  double tokens = 3 * sequences * length + 2 * examples * length;
  for (const TaskSetting& test : further_tests(spec)) {
    if (test.path != kOwnLength) tokens += examples * static_cast<double>(make_task(spec, test)->length());
  }
  return static_cast<double>(model.parameters().count()) * tokens;
}

}  // namespace seqbench
