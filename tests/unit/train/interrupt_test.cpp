// A run that is asked to stop in the middle of any phase stops there, and goes on to the same result.
#include <doctest/doctest.h>

#include <atomic>
#include <optional>

#include "train/evaluate.h"
#include "train/measure.h"
#include "train/trainer.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

// Sets `interrupted` when `left` further samples of `split` have been drawn, and counts those drawn after.
struct Watch {
  std::atomic<bool> interrupted = false;
  Split split = Split::train;
  std::atomic<std::int64_t> left = 0;
  std::atomic<std::int64_t> after = 0;
};
Watch* watch = nullptr;

class Watched : public Task {
 public:
  explicit Watched(std::unique_ptr<Task> task) : task_(std::move(task)) {}
  std::int64_t vocab_size() const override { return task_->vocab_size(); }
  std::int64_t length() const override { return task_->length(); }
  Chance chance() const override { return task_->chance(); }
  std::int64_t examples(Split split) const override { return task_->examples(split); }
  Sample sample(Split split, std::int64_t index) const override {
    if (watch != nullptr && watch->interrupted) ++watch->after;
    if (watch != nullptr && split == watch->split && --watch->left == 0) watch->interrupted = true;
    return task_->sample(split, index);
  }
  std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>& tokens) const override {
    return task_->oracle(tokens);
  }

 private:
  std::unique_ptr<Task> task_;
};

// tiny_spec's, but for 600 samples of a validation and a test.
RunSpec watched_spec(TaskEntry& entry) {
  RunSpec spec = tiny_spec("softmax", {{"valid_examples", std::int64_t{600}}});
  entry = *spec.task;
  entry.make = [make = spec.task->make](const Options& options, std::uint64_t seed) {
    return std::make_unique<Watched>(make(options, seed));
  };
  spec.task = &entry;
  spec.eval =
      Options(eval_options(), {{"examples", std::int64_t{600}}, {"lengths", Integers{16, 32}}}, "eval");
  return spec;
}

// What run() has done when it throws.
Outcome run_watched(const TemporaryFolder& folder, const RunSpec& spec, Watch* with, double time_limit = 0) {
  watch = with;
  const std::atomic<bool> never = false;
  QuietGate gate;
  Outcome outcome;
  try {
    outcome.result = run(spec, {.threads = 2,
                                .folder = folder.path(),
                                .spec = "{}",
                                .gate = &gate,
                                .stop = with == nullptr ? Stop(never) : Stop(with->interrupted),
                                .time_limit = time_limit,
                                .progress = {}});
  } catch (const Interrupted&) {
  }
  watch = nullptr;
  outcome.curve = folder.content("curve.jsonl");
  outcome.weights = folder.content("model.safetensors");
  return outcome;
}

void check_equal(const Outcome& a, const Outcome& b) {
  CHECK(a.curve == b.curve);
  CHECK(a.weights == b.weights);
  CHECK(a.result.test.loss == b.result.test.loss);
  CHECK(a.result.valid.loss == b.result.valid.loss);
  CHECK(a.result.train.loss == b.result.train.loss);
  CHECK(a.result.steps == b.result.steps);
}

TEST_CASE(
    "interrupted within a step, a validation or a test, a run stops there and goes on to the same bits") {
  TaskEntry entry;
  const RunSpec spec = watched_spec(entry);
  const TemporaryFolder whole;
  const Outcome expected = run_watched(whole, spec, nullptr);
  REQUIRE(expected.result.status == Status::ok);
  struct Moment {
    Split split;
    std::int64_t samples;  // drawn before
  };
  // Steps are of 11 samples, and a point of the curve comes after steps 5, 10 and 12.
  for (const auto& [split, samples] : {Moment{Split::train, 3},
                                       {Split::train, 60},
                                       {Split::valid, 7},
                                       {Split::valid, 650},
                                       {Split::valid, 1300},
                                       {Split::valid, 1900},
                                       {Split::test, 5},
                                       {Split::test, 700},
                                       {Split::test, 1100}}) {
    CAPTURE(name_of(split));
    CAPTURE(samples);
    const TemporaryFolder folder;
    Watch first{.split = split, .left = samples};
    const Outcome before = run_watched(folder, spec, &first);
    REQUIRE(first.interrupted);
    CHECK(before.weights.empty());
    CHECK(first.after <= 4);  // what two workers were about to draw
    check_equal(expected, run_watched(folder, spec, nullptr));
  }
}

TEST_CASE("a kill after an interrupted validation was made up for leaves its point in the curve once") {
  TaskEntry entry;
  const RunSpec spec = watched_spec(entry);
  const TemporaryFolder whole;
  const Outcome expected = run_watched(whole, spec, nullptr);
  const TemporaryFolder folder;
  Watch first{.split = Split::valid, .left = 7};
  run_watched(folder, spec, &first);
  const std::string checkpoint = folder.content("checkpoint.safetensors");
  run_watched(folder, spec, nullptr);
  folder.write("checkpoint.safetensors", checkpoint);  // as if nothing after the point had reached the disk
  check_equal(expected, run_watched(folder, spec, nullptr));
}

TEST_CASE("a step that is interrupted leaves weights, moments and count as they were") {
  const RunSpec spec = tiny_spec("linear");
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  Trainer trainer(*task, model, spec.train, 0, 2);
  trainer.step(0.01);
  const auto bytes_of = [](const Buffer& buffer) {
    return std::string(reinterpret_cast<const char*>(buffer.as<float>()),
                       static_cast<std::size_t>(buffer.bytes()));
  };
  const std::string weights = bytes_of(trainer.state().weights);
  const std::string moments = bytes_of(trainer.state().second_moment);
  const std::atomic<bool> interrupted = true;
  CHECK_THROWS_AS(trainer.step(0.01, interrupted), Interrupted);
  CHECK(bytes_of(trainer.state().weights) == weights);
  CHECK(bytes_of(trainer.state().second_moment) == moments);
  CHECK(trainer.state().step == 1);
}

TEST_CASE("measuring, counting and operations on a tape stop when asked") {
  const RunSpec spec = tiny_spec("linear");
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  Trainer trainer(*task, model, spec.train, 0, 2);
  const std::atomic<bool> interrupted = true;
  Cost cost;
  WorkProgress progress([](const WorkDone&) {});
  for (const bool speed : {false, true}) {
    const Options options(measure_options(), {{"speed", speed}, {"contexts", Integers{8}}}, "measure");
    CHECK_THROWS_AS(measure(*task, model, options, trainer, 1, cost, progress, interrupted), Interrupted);
  }
  CHECK(cost.state_bytes.empty());
  CHECK_THROWS_AS(flops_per_token(*task, model, trainer.state().weights, interrupted), Interrupted);
  Arena arena;
  Tape tape(model.parameters(), trainer.state().weights, nullptr, arena, interrupted);
  CHECK_THROWS_AS(tape.make({1}), Interrupted);
}

TEST_CASE("the limit of a command interrupts; that of a run is its own, and a longer one takes it up") {
  const Stop::Clock::time_point past = Stop::Clock::now();
  const std::atomic<bool> never = false;
  CHECK_THROWS_AS(Stop(never, past).check(), Interrupted);
  CHECK_THROWS_AS(Stop(never).with_limit(past).check(), OutOfTime);
  CHECK_FALSE(Stop(never).with_limit(past).asked());
  CHECK_NOTHROW(Stop().check());

  TaskEntry entry;
  const RunSpec spec = watched_spec(entry);
  const TemporaryFolder whole;
  const Outcome expected = run_watched(whole, spec, nullptr);
  const TemporaryFolder folder;
  const Outcome over = run_watched(folder, spec, nullptr, 1e-6);
  CHECK(over.result.status == Status::timeout);
  CHECK(over.result.message.find("run again with a longer --run-time-limit") != std::string::npos);
  CHECK(over.weights.empty());
  CHECK(over.result.total_seconds >= 1e-6);
  REQUIRE(std::filesystem::exists(folder.path() / "checkpoint.safetensors"));
  check_equal(expected, run_watched(folder, spec, nullptr, 1e6));
}

}  // namespace
}  // namespace seqbench::test
