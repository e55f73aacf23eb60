#include "experiment/estimates.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <set>

#include "experiment/slurm.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

Plan plan_of(const TemporaryFolder& folder, const std::string& grid) {
  Json spec = small_spec();
  spec["grid"] = parse_json(grid, "test");
  return make_plan({folder.write("small.json", spec.dump())}, {}, folder.path() / "runs");
}

TEST_CASE("shards share the runs out, each once, in the order of the plan") {
  const TemporaryFolder folder;
  const Plan plan = plan_of(folder, R"({"seed": [0, 1, 2, 3, 4, 5, 6]})");
  CHECK(runs_of(plan, {1, 1}).size() == 7);
  CHECK(runs_of(plan, parse_shard("1/3")) == std::vector<std::size_t>{0, 3, 6});
  CHECK(runs_of(plan, parse_shard("2/3")) == std::vector<std::size_t>{1, 4});
  CHECK(runs_of(plan, parse_shard("3/3")) == std::vector<std::size_t>{2, 5});
  CHECK(runs_of(plan, parse_shard("9/9")).empty());
  for (const char* wrong : {"0/3", "4/3", "a/b", "3", "1/", "/2", "1/2/3", "-1/2", ""})
    CHECK(has(message_of([&] { parse_shard(wrong); }), "expected i/n with i from 1 to n"));
}

TEST_CASE("each shard has its share of every configuration, whichever axis of the grid is the fastest") {
  const TemporaryFolder folder;
  const Plan plan = plan_of(folder, R"({"seed": [0, 1, 2, 3], "model.mixer": ["softmax", "linear", "gru"]})");
  for (const std::size_t of : {2, 3, 4, 5, 6}) {
    CAPTURE(of);
    std::set<std::size_t> seen;
    for (std::size_t part = 1; part <= of; ++part) {
      const std::vector<std::size_t> runs = runs_of(plan, {part, of});
      CHECK(std::ranges::is_sorted(runs));
      CHECK(runs.size() >= 12 / of);
      CHECK(runs.size() <= (12 + of - 1) / of);
      seen.insert(runs.begin(), runs.end());
      std::array<std::size_t, 3> of_mixer = {};
      for (const std::size_t run : runs) ++of_mixer[run % 3];
      for (const std::size_t count : of_mixer) {
        CHECK(count >= 4 / of);
        CHECK(count <= (4 + of - 1) / of);
      }
    }
    CHECK(seen.size() == 12);
  }
}

TEST_CASE("side by side the longest runs start first") {
  const TemporaryFolder folder;
  const Plan plan =
      plan_of(folder, R"({"train.steps": [10, 1000000, 30000], "seed": [0, 1]})");
  const std::vector<double> weights = weights_of(plan, {0, 1, 2, 3, 4, 5}, 1, {});
  CHECK(longest_first({0, 1, 2, 3, 4, 5}, weights) == std::vector<std::size_t>{2, 3, 4, 5, 0, 1});
  CHECK(weights[2] > 10 * weights[0]);
  CHECK(weights_of(plan, {1, 0}, 1, {}) == std::vector<double>(6, 1));
}

TEST_CASE("a configuration that cannot be timed weighs nothing, and the others are timed all the same") {
  const TemporaryFolder folder;
  const std::string text = folder.write("text", std::string(1000, 'a'));
  Json spec = small_spec();
  spec["task"] = {{"name", "language_model"}, {"files", {text}}, {"length", 8}};
  const auto lm = folder.write("lm.json", spec.dump());
  const Plan plan = make_plan({lm, folder.write("small.json", small_spec().dump())}, {"grid.seed=[0,1]"},
                              folder.path() / "runs");
  std::filesystem::remove(text);
  const std::vector<double> weights = weights_of(plan, {0, 1, 2, 3}, 1, {});
  CHECK(weights[0] == 0);
  CHECK(weights[1] == 0);
  CHECK(weights[2] > 0);
  CHECK(weights[3] == weights[2]);
}

TEST_CASE("an interruption ends timing") {
  const TemporaryFolder folder;
  const Plan plan = plan_of(folder, R"({"train.steps": [10, 100000]})");
  const std::atomic<bool> interrupted = true;
  CHECK(weights_of(plan, {0, 1}, 1, interrupted) == std::vector<double>(2, 1));
}

TEST_CASE(
    "tasks of Slurm are the shards that hold a run to do, each of one run where there are at most 1000") {
  const TemporaryFolder folder;
  const Plan plan = plan_of(folder, R"({"seed": [0, 1], "model.mixer": ["softmax", "linear", "gru"]})");
  const std::vector<std::size_t> to_do = {0, 2, 4};
  const SlurmTasks tasks = slurm_tasks(plan, to_do);
  CHECK(tasks.of == 6);
  CHECK(tasks.parts.size() == 3);
  std::vector<std::size_t> taken;
  for (const std::size_t part : tasks.parts) {
    const std::vector<std::size_t> runs = runs_of(plan, {part, tasks.of});
    taken.insert(taken.end(), runs.begin(), runs.end());
  }
  std::ranges::sort(taken);
  CHECK(taken == to_do);
  CHECK(slurm_tasks(plan, {}).parts.empty());
}

TEST_CASE("the tasks of a plan of more than 1000 runs stay within Slurm's limit and share its runs out") {
  const TemporaryFolder folder;
  std::vector<std::size_t> all(1100);
  std::iota(all.begin(), all.end(), std::size_t{0});
  const Plan plan = plan_of(folder, Json({{"seed", all}}).dump());
  const SlurmTasks tasks = slurm_tasks(plan, all);
  CHECK(tasks.of == 1000);
  CHECK(tasks.parts.size() == 1000);
  CHECK(*tasks.parts.rbegin() == 1000);
  CHECK(slurm_tasks(plan, {99, 1099}).parts == std::set<std::size_t>{100});
}

TEST_CASE("a script for Slurm quotes what it is given, and overwrites only its own") {
  const TemporaryFolder folder;
  CHECK(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
  SlurmArray array{.program = "/bin/seqbench",
                   .specs = {"a b.json"},
                   .sets = {"train.lr=[1,2]"},
                   .out = "/out",
                   .folder = "/here",
                   .threads = 2,
                   .tasks = {.of = 12, .parts = {3, 7, 9, 10, 11, 12}}};
  const std::string script = slurm_script(array);
  CHECK(has(script, "#SBATCH --array=3,7,9-12\n#SBATCH --cpus-per-task=2\n"));
  CHECK(has(script,
            "cd '/here' || exit 2\n'/bin/seqbench' run 'a b.json' --set 'train.lr=[1,2]' --out '/out' "));
  CHECK(has(script, "#SBATCH --requeue\n#SBATCH --signal=B:USR1@90\n"));
  CHECK_FALSE(has(script, "--time"));
  CHECK(has(script, "scontrol requeue \"${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID\""));
  CHECK(has(script, "--shard \"$SLURM_ARRAY_TASK_ID/12\""));
  array.time_limit = 5400.5;
  array.run_time_limit = "30m";
  CHECK(has(slurm_script(array), "#SBATCH --time=91\n"));
  CHECK(has(slurm_script(array), " --run-time-limit '30m' "));
  const auto file = folder.path() / "job.sh";
  write_slurm_script(file, array);
  write_slurm_script(file, array);
  const std::string mine = folder.write("mine.sh", "#!/bin/sh\necho mine\n");
  CHECK(has(message_of([&] { write_slurm_script(mine, array); }), "no script of seqbench"));
  array.tasks.parts.clear();
  CHECK(has(message_of([&] { slurm_script(array); }), "all runs are finished already"));
}

}  // namespace
}  // namespace seqbench
