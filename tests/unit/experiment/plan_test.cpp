#include "experiment/plan.h"

#include <doctest/doctest.h>

#include <set>

#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// The plan of the small spec with these keys added.
Plan plan_of(const TemporaryFolder& folder, const std::string& more, const Texts& sets = {}) {
  Json spec = small_spec();
  spec.update(parse_json(more, "test"));
  return make_plan({folder.write("small.json", spec.dump())}, sets, "out");
}

TEST_CASE("runs are named by mechanism, axes, seed and a hash of the whole spec") {
  const TemporaryFolder folder;
  const Plan one = plan_of(folder, "{}");
  REQUIRE(one.runs.size() == 1);
  const std::string start = "softmax-seed0-";
  REQUIRE(one.runs[0].id.starts_with(start));
  CHECK(one.runs[0].id.size() == start.size() + 10);
  CHECK(one.runs[0].id.find_first_not_of("0123456789abcdef", start.size()) == std::string::npos);
  CHECK(one.runs[0].folder == std::filesystem::path("out") / "small" / one.runs[0].id);
  CHECK(plan_of(folder, "{}").runs[0].id == one.runs[0].id);
  CHECK(plan_of(folder, "{}", {"train.clip=0.5"}).runs[0].id != one.runs[0].id);
  // What no result depends on is in no run's identity.
  const Plan saved = plan_of(folder, "{}", {"train.checkpoint_seconds=1"});
  CHECK(saved.runs[0].spec.train.real("checkpoint_seconds") == 1);
  CHECK(saved.runs[0].id == one.runs[0].id);
  CHECK(saved.runs[0].resolved == one.runs[0].resolved);

  const Plan grid = plan_of(
      folder, R"({"grid": {"model.mixer": ["softmax", "linear"], "train.lr": [0.002], "seed": [1, 2]}})");
  REQUIRE(grid.runs.size() == 4);
  CHECK(grid.runs[0].id.starts_with("softmax-lr0.002-seed1-"));
  CHECK(grid.runs[3].id.starts_with("linear-lr0.002-seed2-"));
  CHECK(grid.runs[3].spec.seed == 2);
  CHECK(grid.runs[3].spec.model.mixers[0].name == "linear");
  CHECK(grid.runs[3].resolved["train"]["lr"] == 0.002);
  CHECK_FALSE(grid.runs[3].resolved.contains("grid"));
  CHECK(grid.experiments[0].members[2].values == std::vector<std::size_t>{1, 0, 0});
}

TEST_CASE("other text behind the same file name is another run") {
  const TemporaryFolder folder;
  const auto id_with = [&](const std::string& text) {
    Json spec = small_spec();
    spec["task"] = {{"name", "language_model"}, {"files", {folder.write("text", text)}}, {"length", 8}};
    return make_plan({folder.write("lm.json", spec.dump())}, {}, "out").runs.at(0).id;
  };
  const std::string text(1000, 'a');
  CHECK(id_with(text) == id_with(text));
  CHECK(id_with(text) != id_with(text + "b"));
}

TEST_CASE("long ids are cut and stay distinct") {
  const TemporaryFolder folder;
  const Plan plan = plan_of(folder, R"({"measure": {"speed": false}, "grid": {"measure.contexts": [
      [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31],
      [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 32]]}})");
  REQUIRE(plan.runs.size() == 2);
  CHECK(plan.runs[0].id.size() == 60 + 1 + 10);
  CHECK(plan.runs[0].id != plan.runs[1].id);
}

TEST_CASE("runs that share a folder are planned once") {
  const TemporaryFolder folder;
  const auto members = [](const Experiment& experiment) {
    std::vector<std::size_t> runs;
    for (const Experiment::Member& member : experiment.members) runs.push_back(member.run);
    return runs;
  };
  const Plan grid = plan_of(folder, R"({"grid": {"seed": [3, 4, 3, 5]}})");
  CHECK(grid.runs.size() == 3);
  CHECK(members(grid.experiments[0]) == std::vector<std::size_t>{0, 1, 2});
  const auto file = folder.write("a.json", small_spec().dump());
  const Plan twice = make_plan({file, file}, {"grid.seed=[0,1]"}, "out");
  CHECK(twice.runs.size() == 2);
  REQUIRE(twice.experiments.size() == 2);
  CHECK(members(twice.experiments[1]) == std::vector<std::size_t>{0, 1});
}

TEST_CASE("errors name the file, and in a grid the run") {
  const TemporaryFolder folder;
  const std::string message =
      message_of([&] { plan_of(folder, R"({"grid": {"task.pairs": [4, 16], "seed": [0, 1]}})"); });
  CHECK(has(message, "small.json: "));
  CHECK(has(message, "pairs"));
  CHECK(has(message, "(in the run with task.pairs=16, seed=0)"));
  CHECK(has(message_of([&] { plan_of(folder, "{}", {"model.width=18"}); }), "model.mixer.heads"));
  CHECK_FALSE(has(message_of([&] { plan_of(folder, "{}", {"model.width=18"}); }), "in the run"));
}

}  // namespace
}  // namespace seqbench
