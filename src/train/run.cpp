#include "train/run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <utility>

#include "base/error.h"
#include "base/random.h"
#include "task/kept_tokenizer.h"
#include "train/checkpoint.h"
#include "train/checksum.h"
#include "train/evaluate.h"
#include "train/measure.h"

namespace seqbench {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

bool all_finite(const Buffer& weights, std::int64_t count) {
  return std::all_of(weights.as<float>(), weights.as<float>() + count,
                     [](float w) { return std::isfinite(w); });
}

bool has_a_loss(const Metrics& metrics) { return metrics.labels == 0 || std::isfinite(metrics.loss); }

class Run {
 public:
  Run(const RunSpec& spec, const RunContext& context, const Task& task, const LanguageModel& model)
      : spec_(spec),
        context_(context),
        task_(&task),
        model_(model),
        trainer_(*task_, model_, spec.train, spec.seed, context.threads),
        files_(context.folder, model_.parameters()),
        stop_(context.stop) {
    state_.train = &trainer_.state();
    state_.best.weights = Buffer(model_.parameters().flat_size(), DType::f32);
  }

  RunResult operator()() {
    const auto start = Clock::now();
    if (const auto resumed = files_.resume(state_, spec_.train.integer("steps")); resumed && context_.resumed)
      context_.resumed(*resumed);
    resumed_seconds_ = state_.seconds;
    if (context_.time_limit > 0) stop_ = stop_.with_limit(start + left_of_limit());
    try {
      train();
      if (result_.status == Status::ok) {
        if (state_.best.step > 0) result_.best = {.step = state_.best.step, .valid = {}, .test = {}};
        evaluate_all();
        expect_finite_losses();
        measure_cost();
      }
      files_.keep_model(state_, about());
    } catch (const OutOfTime&) {
      result_.status = Status::timeout;
      result_.message = fmt::format(
          "over its limit of {:g} s {}; its state is kept: run again with a longer --run-time-limit, or "
          "none.",
          context_.time_limit, phase_);
    }
    result_.total_seconds = since(start) + resumed_seconds_;
    result_.resumes = files_.reached().resumes;
    result_.repeated_steps = files_.reached().repeated_steps;
    return std::move(result_);
  }

  RunResult extend(RunResult stored) {
    const auto start = Clock::now();
    result_ = std::move(stored);
    state_.train->step = result_.steps;
    load_weights(kModelFile, state_.train->weights);
    if (result_.best && result_.best->step < result_.steps) load_weights(kBestFile, state_.best.weights);
    evaluate_all();
    expect_finite_losses();
    if (result_.cost.state_bytes.empty()) measure_again();
    result_.total_seconds += since(start);
    return std::move(result_);
  }

 private:
  Clock::duration left_of_limit() const {
    return std::chrono::duration_cast<Clock::duration>(
        std::chrono::duration<double>(context_.time_limit - resumed_seconds_));
  }

  // Also when it is stopped, its state is kept.
  void train() {
    resumed_step_ = state_.train->step;
    started_ = Clock::now();
    saved_ = started_;
    try {
      take_steps();
    } catch (const Stopped&) {
      end_training();
      throw;
    }
    expect_finite_weights();
    end_training();
  }

  void take_steps() {
    const std::int64_t steps = spec_.train.integer("steps");
    if (state_.unvalidated) one_point({.step = state_.train->step, .steps = steps});
    while (state_.train->step < steps && !state_.stopped && result_.status == Status::ok) {
      one_step(steps);
      files_.reached(state_.train->step);
      if (since(saved_) >= spec_.train.real(kCheckpointSeconds)) {
        save();
      }
    }
  }

  void diverge(const std::string& what) {
    result_.status = Status::diverged;
    result_.message = what + ": lower train.lr, or set train.clip.";
  }

  // What the last update did, no further step would tell.
  void expect_finite_weights() {
    if (result_.status == Status::ok && !all_finite(state_.train->weights, model_.parameters().flat_size())) {
      diverge(fmt::format("weights are no numbers after the last step, {}", state_.train->step));
    }
  }

  void expect_finite_losses() {
    if (!has_a_loss(result_.valid)) return diverge("the loss of the last validation is no number");
    const bool tested = has_a_loss(result_.test) &&
                        std::ranges::all_of(result_.settings, has_a_loss, &SettingMetrics::metrics);
    if (!tested) diverge("the loss of the test is no number");
  }

  void end_training() {
    phase_ = fmt::format("after step {} of {}", state_.train->step, spec_.train.integer("steps"));
    result_.steps = state_.train->step;
    result_.train_seconds = state_.seconds;
    result_.train = metrics_of(state_.window, *task_, Split::train);
    if (result_.status == Status::ok) save();
  }

  // Once a step: the checkpoint before is then of an earlier one.
  void save() {
    if (saved_step_ == state_.train->step) return;
    files_.save(state_);
    saved_ = Clock::now();
    saved_step_ = state_.train->step;
  }

  Trainer::Step gated_step(double lr) {
    const QuietGate::Busy busy(*context_.gate);
    stop_.check();
    return trainer_.step(lr, stop_);
  }

  void one_step(std::int64_t steps) {
    const double lr = learning_rate(spec_.train, state_.train->step);
    // A window ends with a point of the curve; the last one stays, as the training metrics of the result.
    if (point_is_due(state_.train->step)) state_.window = {};
    const Trainer::Step done = gated_step(lr);
    state_.seconds = resumed_seconds_ + since(started_);
    state_.window.add(done.sum);
    tokens_ += done.tokens;
    if (!done.finite)
      return diverge(
          fmt::format("loss or gradient is no number at step {} (lr {:.3g})", state_.train->step, lr));
    Progress progress{.step = state_.train->step, .steps = steps};
    progress.loss = done.sum.loss / static_cast<double>(std::max<std::int64_t>(1, done.sum.labels));
    if (!point_is_due(state_.train->step) && state_.train->step < steps) return report(progress);
    state_.unvalidated = done.gradient_norm;
    one_point(progress);
  }

  // Of the step that was taken last.
  void one_point(Progress progress) {
    const CurvePoint point =
        curve_point(learning_rate(spec_.train, state_.train->step - 1), *state_.unvalidated);
    state_.unvalidated.reset();
    state_.seconds = resumed_seconds_ + since(started_);
    progress.point = &point;
    report(progress);
  }

  bool point_is_due(std::int64_t step) const { return step % spec_.train.integer("valid_every") == 0; }

  CurvePoint curve_point(double lr, double gradient_norm) {
    const Metrics train = metrics_of(state_.window, *task_, Split::train);
    const Metrics valid = evaluator().score(*task_, Split::valid, spec_.train.integer("valid_examples"));
    const CurvePoint point = {state_.train->step, lr,         train.loss,    train.accuracy,
                              gradient_norm,      valid.loss, valid.accuracy};
    files_.add_point(point);
    state_.best.offer(point.step, valid, state_.train->weights);
    const double stop_at = spec_.train.real("stop_at");
    state_.stopped = stop_at > 0 && valid.accuracy >= stop_at;
    return point;
  }

  void report(Progress& progress) const {
    if (!context_.progress) return;
    const double seconds = std::max(1e-9, since(started_));
    const auto done = static_cast<double>(progress.step - resumed_step_);
    progress.tokens_per_s = static_cast<double>(tokens_) / seconds;
    progress.seconds_left =
        done > 0 ? seconds / done * static_cast<double>(progress.steps - progress.step) : 0;
    context_.progress(progress);
  }

  void report_phase(const char* phase, const WorkDone& work = {}) {
    phase_ = fmt::format("in the phase \"{}\"", phase);
    const std::int64_t step = state_.train->step;
    if (context_.progress) context_.progress({.step = step, .steps = step, .phase = phase, .work = work});
  }

  std::map<std::string, std::string> about() const {
    return {{kAboutSpec, context_.spec},
            {kAboutData, std::to_string(task_->data_id())},
            {kAboutVocabSize, std::to_string(task_->vocab_size())},
            {kAboutVocabulary, std::to_string(vocabulary_id(*task_))},
            {kAboutTokenizer,
             task_->tokenizer() == nullptr ? "" : kept_tokenizer(*task_->tokenizer(), spec_.task_options)},
            {kAboutLength, std::to_string(task_->length())}};
  }

  Evaluator evaluator() const {
    return {model_, state_.train->weights, context_.threads, kRows, context_.gate, stop_};
  }

  void evaluate_all() {
    report_phase("test");
    WorkProgress progress([&](const WorkDone& work) { report_phase("test", work); });
    Evaluator tester = evaluator();
    tester.progress = &progress;
    if (result_.valid.examples == 0) {
      tester.expect(*task_, Split::valid, spec_.eval);
      result_.valid = tester.score_all(*task_, Split::valid, spec_.eval);
    }
    tester.test(spec_, *task_, result_);
    evaluate_best();
  }

  void evaluate_best() {
    if (!result_.best || !spec_.eval.flag("best")) return;
    BestResult& best = *result_.best;
    if (best.step == result_.steps) {
      best = {best.step, result_.valid, result_.test, result_.settings};
      return;
    }
    WorkProgress progress([&](const WorkDone& work) { report_phase("test best", work); });
    Evaluator tester{model_, state_.best.weights, context_.threads, kRows, context_.gate, stop_, &progress};
    if (best.valid.examples == 0) {
      tester.expect(*task_, Split::valid, spec_.eval);
      best.valid = tester.score_all(*task_, Split::valid, spec_.eval);
    }
    RunResult tests;
    tests.test = std::move(best.test);
    tests.settings = std::move(best.settings);
    tester.test(spec_, *task_, tests);
    best.test = std::move(tests.test);
    best.settings = std::move(tests.settings);
  }

  void load_weights(const char* file, Buffer& weights) const {
    verify_checksum(context_.folder / file);
    load_safetensors(context_.folder / file, named_weights(model_.parameters(), weights));
  }

  // Only timing takes training steps, as the peak of a run does.
  void measure_again() {
    const Cost before = std::exchange(result_.cost, {});
    measure_cost();
    if (spec_.measure.flag("speed")) return;
    result_.cost.peak_bytes = before.peak_bytes;
    result_.cost.process_peak_bytes = before.process_peak_bytes;
  }

  void measure_cost() {
    report_phase("measure");
    const QuietGate::Quiet quiet(*context_.gate);
    Cost& cost = result_.cost;
    cost.parameters = model_.parameters().count();
    cost.mixer_parameters = model_.mixer_parameters();
    cost.flops_per_token = flops_per_token(*task_, model_, state_.train->weights, stop_);
    // Timing takes further steps at a learning rate of 0: the weights stay, the moments do not matter any
    // more.
    WorkProgress progress([&](const WorkDone& work) { report_phase("measure", work); });
    measure(*task_, model_, spec_.measure, trainer_, context_.threads, cost, progress, stop_);
  }

  const RunSpec& spec_;
  const RunContext& context_;
  const Task* task_;
  const LanguageModel& model_;
  Trainer trainer_;
  RunFiles files_;
  RunState state_;
  RunResult result_;
  Stop stop_;
  std::string phase_;  // for messages
  double resumed_seconds_ = 0;
  std::int64_t resumed_step_ = 0;
  std::int64_t tokens_ = 0;  // since then
  Clock::time_point started_;
  Clock::time_point saved_;
  std::int64_t saved_step_ = -1;
};

}  // namespace

const char* name_of(Status status) {
  switch (status) {
    case Status::ok:
      return "ok";
    case Status::diverged:
      return "diverged";
    case Status::timeout:
      return "timeout";
    case Status::failed:
      return "failed";
  }
  return "";
}

std::uint64_t vocabulary_id(const Task& task) {
  std::uint64_t id = hash_of("");
  for (std::int32_t token = 0; token < task.vocab_size(); ++token)
    id = hash_of(task.spelled(token) + "\n", id);
  return id;
}

void check_tests(const RunSpec& spec, const Task& task, const LanguageModel& model) {
  const auto check_test = [&](const Task& test, const std::string& path) {
    fail_if(
        model.longest() > 0 && test.length() > model.longest(),
        "{}: {} is longer than the {} learned positions of the model; take it out, or set model.position to "
        "\"none\".",
        path, test.length(), model.longest());
    fail_if(test.vocab_size() != task.vocab_size(),
            "{}: has a vocabulary of {} tokens; expected the {} that the model is made for.", path,
            test.vocab_size(), task.vocab_size());
    test.sample(Split::test, 0);
  };
  check_test(task, "task.length");
  for (const TaskSetting& setting : further_tests(spec)) check_test(*make_task(spec, setting), setting.path);
}

Checked check(const RunSpec& spec) {
  const std::int64_t batch = spec.train.integer("batch");
  const std::int64_t lanes = spec.train.integer("lanes");
  fail_if(lanes > batch, "train.lanes: expected at most train.batch, got {} lanes for a batch of {}.", lanes,
          batch);
  const std::int64_t layers = spec.model.options.integer("layers");
  fail_if(std::ssize(spec.model.mixers) > layers,
          "model.mixer: {} mechanisms for the {} of model.layers; expected at most one a layer: take some out, or set "
          "model.layers.",
          spec.model.mixers.size(), layers);
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  for (const Split split : {Split::train, Split::valid}) task->sample(split, 0);
  check_tests(spec, *task, model);
  return {.data_id = task->data_id(), .parameters = model.parameters().count()};
}

RunResult extend(const RunSpec& spec, const RunContext& context, RunResult stored) {
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  if (context.admit) context.admit(memory_need(spec, *task, model, context.threads, context.stop));
  return Run(spec, context, *task, model).extend(std::move(stored));
}

RunResult run(const RunSpec& spec, const RunContext& context) {
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  if (context.admit) context.admit(memory_need(spec, *task, model, context.threads, context.stop));
  return Run(spec, context, *task, model)();
}

}  // namespace seqbench
