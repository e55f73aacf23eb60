#include "experiment/runner.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <functional>

#include "experiment/run_lock.h"
#include "unit/experiment/lock_text.h"
#include "unit/experiment/silent.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// Two short runs, the second of which "another process" has.
struct Shared : Silent {
  TemporaryFolder folder;
  Plan plan;
  Results results = Results(2);
  std::optional<RunLock> other;
  std::size_t started_runs = 0;
  std::function<void()> after_first = [] {};

  Shared() {
    Json spec = small_spec();
    spec["measure"] = {{"speed", false}, {"contexts", {8}}};
    spec["eval"] = {{"examples", 8}};
    spec["train"]["valid_examples"] = 8;
    spec["grid"] = {{"seed", {0, 1}}};
    plan = make_plan({folder.write("spec.json", spec.dump())}, {}, folder.path() / "runs");
    other.emplace(plan.runs[1].folder);
  }
  void started(std::size_t) override { ++started_runs; }
  void finished(std::size_t run, const StoredResult&) override {
    if (run == 0) after_first();
  }
  // What the other process stores; its message tells it from ours.
  void store_other(Status status) {
    StoredResult stored;
    stored.result.status = status;
    stored.result.message = "theirs";
    save_result(plan.runs[1], stored);
  }
  std::size_t execute_all(bool from_start = false) {
    Execution execution{.runs = {1, 0}, .from_start = from_start, .environment = {}};
    execution.environment.threads = 1;
    return execute(plan, execution, {}, *this, results).size();
  }
};

TEST_CASE("a run that another process is at work on is left to it, without a result or an error") {
  Shared shared;
  CHECK(shared.execute_all() == 1);
  CHECK(shared.results[0].has_value());
  CHECK_FALSE(shared.results[1].has_value());
  shared.other.reset();
  CHECK(std::filesystem::is_empty(shared.plan.runs[1].folder));
  CHECK(shared.started_runs == 1);
}

TEST_CASE("a run is locked until its result is stored") {
  Shared shared;
  shared.other.reset();
  shared.after_first = [&] {
    CHECK(running_text(shared.plan.runs[0].folder) == "running");
    CHECK(load_result(shared.plan.runs[0]).has_value());
  };
  CHECK(shared.execute_all() == 0);
  CHECK(running_text(shared.plan.runs[0].folder) == "");
  CHECK_FALSE(has_lock_file(shared.plan.runs[0].folder));
}

TEST_CASE("a run writes over no file that no run has written, however it is started") {
  for (const bool from_start : {false, true}) {
    for (const char* name : {"model.safetensors", "curve.jsonl", "result.json"}) {
      if (!from_start && name == std::string("result.json")) continue;  // refused when it is read
      Shared shared;
      shared.other.reset();
      const std::filesystem::path file = shared.plan.runs[1].folder / name;
      std::ofstream(file) << "mine";
      CHECK(shared.execute_all(from_start) == 0);
      CHECK(shared.results[0].value().result.status == Status::ok);
      CHECK(has(shared.results[1].value().result.message, "no run has written it"));
      std::string content;
      std::ifstream(file) >> content;
      CHECK(content == "mine");
    }
  }
}

TEST_CASE("a run whose folder cannot be locked fails with the reason, and the others go on") {
  Shared shared;
  shared.other.reset();
  std::filesystem::remove(shared.plan.runs[1].folder);
  std::ofstream(shared.plan.runs[1].folder) << "a file where the folder should be";
  CHECK(shared.execute_all() == 0);
  CHECK(shared.results[0].value().result.status == Status::ok);
  CHECK(shared.results[1].value().result.status == Status::failed);
  CHECK(has(shared.results[1].value().result.message, shared.plan.runs[1].id + ": cannot be made: "));
}

TEST_CASE("a lock that was left with a finished run is taken away, one of another machine is not") {
  Shared shared;
  shared.other.reset();
  CHECK(shared.execute_all() == 0);
  const std::filesystem::path mine = shared.plan.runs[0].folder / kLockFile;
  const std::filesystem::path theirs = shared.plan.runs[1].folder / kLockFile;
  std::filesystem::create_symlink("gpu3 1 1 00000000 00000000", theirs);
  std::filesystem::create_symlink(LockText().with({.pid = "1", .start = "1"}), mine);
  clear_finished(shared.plan, shared.results);
  CHECK_FALSE(has_lock_file(shared.plan.runs[0].folder));
  CHECK(has_lock_file(shared.plan.runs[1].folder));
}

TEST_CASE("what another process has finished meanwhile is taken from it, what it left is run") {
  for (const auto& [status, from_start, theirs] : {std::tuple{Status::diverged, false, true},
                                                   {Status::diverged, true, false},
                                                   {Status::failed, false, false}}) {
    Shared shared;
    shared.after_first = [&, status = status] {
      shared.store_other(status);
      shared.other.reset();
    };
    CHECK(shared.execute_all(from_start) == 0);
    CHECK((shared.results[1].value().result.message == "theirs") == theirs);
    CHECK(shared.started_runs == (theirs ? 1 : 2));
  }
}

// A run of four steps, and the same command with other tests later.
struct Extended : Silent {
  TemporaryFolder folder;
  Json spec = small_spec();
  std::optional<Plan> plan;
  Results results;
  std::vector<std::string> phases;

  Extended() {
    spec["measure"] = {{"speed", false}, {"contexts", {8}}};
    spec["eval"] = {{"examples", 8}, {"lengths", {64}}};
    spec["train"]["valid_examples"] = 8;
  }
  void progress(std::size_t, const Progress& progress) override {
    if (phases.empty() || phases.back() != progress.phase) phases.emplace_back(progress.phase);
  }
  // As the command does; returns whether there was anything to do.
  bool run(const Texts& sets = {}) {
    plan = make_plan({folder.write("spec.json", spec.dump())}, sets, folder.path() / "runs");
    phases.clear();
    results = finished_results(*plan);
    if (results[0]) return false;
    Execution execution{.runs = {0}, .environment = {}};
    execution.environment.threads = 1;
    execution.environment.commit = fmt::format("build {}", ++builds);
    execute(*plan, execution, {}, *this, results);
    REQUIRE(results[0].value().result.message == "");
    return true;
  }
  const RunResult& result() const { return results[0].value().result; }
  std::string metrics() const { return metrics_json(result()).dump(); }
  std::string file(const char* name) const {
    return folder.content("runs/spec/" + plan->runs[0].id + "/" + name);
  }
  int builds = 0;
};

TEST_CASE(
    "a finished run of which more tests are asked makes those alone, to the figures of one that had them") {
  Extended later;
  REQUIRE(later.run());
  const std::string model = later.file("model.safetensors"), curve = later.file("curve.jsonl");
  const Texts more = {"eval.lengths=[96,64]", "eval.settings=[{\"pairs\":2}]", "measure.contexts=[8,24]"};
  REQUIRE(later.run(more));
  CHECK(later.phases == std::vector<std::string>{"test", "measure"});
  CHECK(later.file("model.safetensors") == model);
  CHECK(later.file("curve.jsonl") == curve);
  CHECK(later.results[0]->environment.commit == "build 1");
  Extended at_once;
  at_once.run({"eval.lengths=[64,96]", more[1], more[2]});
  CHECK(later.metrics() == at_once.metrics());
  CHECK(later.result().cost.state_bytes == at_once.result().cost.state_bytes);
  CHECK(later.result().cost.peak_bytes == at_once.result().cost.peak_bytes);
  CHECK(later.result().steps == 4);
  CHECK_FALSE(later.run(more));
  CHECK_FALSE(later.run());  // what is asked is there
  CHECK(later.metrics() == at_once.metrics());
  const Json stored = read_json(later.plan->runs[0].folder / "result.json");
  CHECK(stored["spec"]["eval"]["lengths"] == Json{64, 96});
  CHECK(stored["spec"]["measure"]["contexts"] == Json{8, 24});
}

TEST_CASE("another number of examples tests everything again, speeds are measured all together") {
  Extended run;
  run.run({"eval.settings=[{\"pairs\":2}]"});
  const double before = run.result().test.loss;
  REQUIRE(run.run({"eval.examples=12"}));
  CHECK(run.phases == std::vector<std::string>{"test"});
  CHECK(run.result().valid.examples == 12);
  CHECK(run.result().test.examples == 12);
  CHECK(run.result().test.loss != before);
  REQUIRE(run.result().settings.size() == 3);  // the task's own length, 64, and two pairs
  for (const SettingMetrics& test : run.result().settings) CHECK(test.metrics.examples == 12);
  REQUIRE(run.run({"eval.examples=12", "measure.speed=true", "measure.contexts=[16]"}));
  CHECK(run.result().cost.prefill_samples.size() == 3);  // 8, 16 and the task's own
  CHECK(run.results[0]->environment.commit == "build 3");
  CHECK(run.result().test.examples == 12);
  CHECK_FALSE(run.run({"eval.examples=12"}));
}

TEST_CASE(
    "the best weights are tested later when a run was made without, and its result says of which step they "
    "are") {
  // At a learning rate of 0 all validations are alike, and the first is the best.
  const Texts still = {"train.lr=0", "train.valid_every=1", "eval.best=false"};
  Extended run;
  REQUIRE(run.run(still));
  REQUIRE(run.result().best.has_value());
  CHECK(run.result().best->step == 1);
  CHECK(run.result().best->test.examples == 0);
  REQUIRE(run.run({still[0], still[1]}));
  CHECK(run.phases == std::vector<std::string>{"test", "test best"});
  CHECK(run.result().best->test.loss == run.result().test.loss);
  REQUIRE(run.result().best->settings.size() == 2);
  CHECK_FALSE(run.run(still));
  REQUIRE(run.run({still[0], still[1], "eval.lengths=[96]"}));
  CHECK(run.result().best->settings.size() == 3);
  const auto again = load_result(run.plan->runs[0]);
  CHECK(result_json(run.plan->runs[0], *again).dump() ==
        result_json(run.plan->runs[0], *run.results[0]).dump());
  std::filesystem::remove(run.plan->runs[0].folder / "best.safetensors");
  REQUIRE(run.run({still[0], still[1], "eval.lengths=[128]"}));
  CHECK(run.phases.front() == "train");
}

TEST_CASE("where the model is gone it is trained again") {
  Extended run;
  run.run();
  const std::string metrics = run.metrics();
  std::filesystem::remove(run.plan->runs[0].folder / "model.safetensors");
  CHECK_FALSE(run.run());
  REQUIRE(run.run({"measure.contexts=[24]"}));
  CHECK(run.phases == std::vector<std::string>{"train", "test", "measure"});
  CHECK(run.metrics() == metrics);
}

TEST_CASE("a result that cannot be read when the run is taken makes it fail, and stays") {
  Shared shared;
  shared.other.reset();
  std::ofstream(shared.plan.runs[1].folder / "result.json") << "{\"schema\": 2}";
  CHECK(shared.execute_all() == 0);
  CHECK(shared.results[1].value().result.status == Status::failed);
  CHECK(has(shared.results[1].value().result.message, "its schema is 2"));
  CHECK(shared.folder.content("runs/" + shared.plan.runs[1].experiment + "/" + shared.plan.runs[1].id +
                              "/result.json") == "{\"schema\": 2}");
}

TEST_CASE("what a kill left beside a finished run's result goes, unless another process is at work on it") {
  Shared shared;
  shared.other.reset();
  CHECK(shared.execute_all() == 0);
  const auto leave = [&](std::size_t run) {
    for (const char* name : {kCheckpoint, kCheckpointBefore, kProgressNote, "result.json.host-1-0.part"})
      std::ofstream(shared.plan.runs[run].folder / name) << "";
    std::ofstream(shared.plan.runs[run].folder / "notes.part") << "mine";
  };
  const auto files = [&](std::size_t run) {
    return std::distance(std::filesystem::directory_iterator(shared.plan.runs[run].folder), {});
  };
  leave(0);
  leave(1);
  shared.other.emplace(shared.plan.runs[1].folder);
  clear_finished(shared.plan, shared.results);
  CHECK(files(0) == 4);  // curve, model, result, notes
  CHECK(files(1) == 9);  // its lock too
}

// Sees whether the first run, while it trains, still has on its disk what a killed process left half written.
struct Leftover : Shared {
  std::filesystem::path part = plan.runs[0].folder / "model.safetensors.host-1-0.part";
  bool seen = false;
  void progress(std::size_t run, const Progress&) override {
    seen = seen || (run == 0 && std::filesystem::exists(part));
  }
};

TEST_CASE("a run that is taken up again first clears what a killed process left half written") {
  Leftover leftover;
  leftover.other.reset();
  std::filesystem::create_directories(leftover.part.parent_path());
  std::ofstream(leftover.part) << "";
  CHECK(leftover.execute_all() == 0);
  CHECK_FALSE(leftover.seen);
  CHECK(std::distance(std::filesystem::directory_iterator(leftover.part.parent_path()), {}) == 3);
}

// No result can be stored once the first run is trained.
struct Blocked : Shared {
  void progress(std::size_t run, const Progress& progress) override {
    if (run == 0 && std::string_view(progress.phase) == "test")
      std::filesystem::create_directories(plan.runs[0].folder / "result.json");
  }
};

TEST_CASE("when the result cannot be stored the training is kept, and only evaluated the next time") {
  Blocked blocked;
  blocked.other.reset();
  const std::filesystem::path folder = blocked.plan.runs[0].folder;
  CHECK(blocked.execute_all() == 0);
  const RunResult failed = blocked.results[0].value().result;
  CHECK(failed.status == Status::failed);
  CHECK(has(failed.message, "its result could not be stored, and its training is kept: "));
  CHECK(has(failed.message, "result.json: cannot be written: is a folder"));
  CHECK(std::filesystem::exists(folder / kCheckpoint));
  std::filesystem::remove(folder / "result.json");
  Shared again;
  again.other.reset();
  again.plan.runs[0].folder = folder;
  CHECK(again.execute_all() == 0);
  CHECK(again.results[0].value().result.status == Status::ok);
  CHECK(again.results[0].value().result.resumes == 1);
  CHECK(again.results[0].value().result.repeated_steps == 0);
}

TEST_CASE("runs over their limit are rows of their own, and a longer limit takes them up") {
  Shared shared;
  shared.other.reset();
  Execution execution{.runs = {0, 1}, .time_limit = 1e-6, .environment = {}};
  execution.environment.threads = 1;
  execute(shared.plan, execution, {}, shared, shared.results);
  for (const PlannedRun& run : shared.plan.runs) {
    CHECK(load_result(run).value().result.status == Status::timeout);
    CHECK(std::filesystem::exists(run.folder / "checkpoint.safetensors"));
  }
  CHECK(finished_results(shared.plan, 1e-6)[0].has_value());
  CHECK_FALSE(finished_results(shared.plan, 1e6)[0].has_value());
  CHECK_FALSE(finished_results(shared.plan)[1].has_value());
  execution.time_limit = 0;
  execute(shared.plan, execution, {}, shared, shared.results);
  for (const auto& result : finished_results(shared.plan)) CHECK(result.value().result.status == Status::ok);
}

TEST_CASE("a run that does not fit into memory is a row that says what to lower, and the others go on") {
  const TemporaryFolder folder;
  Json spec = small_spec();
  spec["measure"] = {{"speed", false}, {"contexts", {8}}};
  spec["eval"] = {{"examples", 8}};
  Json large = spec;
  large["name"] = "large";
  spec["eval"]["lengths"] = {32};
  large["eval"]["lengths"] = {16384};
  const Plan plan = make_plan({folder.write("spec.json", spec.dump()), folder.write("large.json", large.dump())},
                              {}, folder.path() / "runs");
  REQUIRE(plan.runs.size() == 2);
  Results results(2);
  Execution execution{.runs = {1, 0}, .jobs = 2, .environment = {}};
  execution.environment.threads = 1;
  const auto bytes_of = [&](std::size_t run) { return memory_need_of(plan.runs[run].spec, 1).bytes(); };
  REQUIRE(bytes_of(1) > 2 * bytes_of(0));
  execution.memory = static_cast<std::int64_t>(1.5 * bytes_of(0));
  Silent silent;
  execute(plan, execution, {}, silent, results);
  CHECK(results[0].value().result.status == Status::ok);
  CHECK(results[1].value().result.status == Status::failed);
  CHECK(has(results[1].value().result.message,
            "lower eval.lengths, task.length or --threads: testing at 16384 tokens on 1 thread"));
  execution.memory = 0;
  execute(plan, execution, {}, silent, results);
  CHECK(results[1].value().result.status == Status::ok);
}

TEST_CASE("memory that runs out in a worker is the run's row") {
  struct Hungry : Task {
    std::unique_ptr<Task> task;
    explicit Hungry(std::unique_ptr<Task> of) : task(std::move(of)) {}
    std::int64_t vocab_size() const override { return task->vocab_size(); }
    std::int64_t length() const override { return task->length(); }
    Chance chance() const override { return {}; }
    std::int64_t examples(Split) const override { return 0; }
    Sample sample(Split split, std::int64_t index) const override {
      if (split == Split::valid) throw std::bad_alloc();
      return task->sample(split, index);
    }
    std::optional<std::vector<std::int32_t>> oracle(const std::vector<std::int32_t>&) const override {
      return {};
    }
  };
  Shared shared;
  shared.other.reset();
  TaskEntry entry = *shared.plan.runs[0].spec.task;
  entry.make = [make = entry.make](const Options& options, std::uint64_t seed) {
    return std::make_unique<Hungry>(make(options, seed));
  };
  shared.plan.runs[0].spec.task = &entry;
  Execution execution{.runs = {0, 1}, .environment = {}};
  execution.environment.threads = 2;
  execute(shared.plan, execution, {}, shared, shared.results);
  CHECK(shared.results[0].value().result.status == Status::failed);
  CHECK(has(shared.results[0].value().result.message, "out of memory: lower "));
  CHECK(shared.results[1].value().result.status == Status::ok);
}

}  // namespace
}  // namespace seqbench
