#include "experiment/plan.h"

#include <doctest/doctest.h>

#include <set>

#include "experiment/spec.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// The plan of the small spec with these keys added.
Plan plan_of(const TemporaryFolder& folder, const std::string& more, const Texts& sets = {}) {
  Json spec = small_spec();
  spec.update(parse_json(more, "test"));
  return make_plan({folder.write("small.json", spec.dump())}, sets, "out");
}

TEST_CASE("runs are named by mechanism, axes, seed and a hash of what they train") {
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

TEST_CASE("what is only tested or measured makes no other run, what training sees does") {
  const TemporaryFolder folder;
  const std::string id = plan_of(folder, "{}").runs[0].id;
  for (const char* same : {"eval.examples=7", "eval.lengths=[64]", "eval.settings=[{\"pairs\":2}]",
                           "measure.speed=false", "measure.contexts=[8]"})
    CHECK_MESSAGE(plan_of(folder, "{}", {same}).runs[0].id == id, same);
  for (const char* other : {"train.valid_examples=7", "train.valid_every=7", "train.stop_at=0.9", "seed=1",
                            "task.pairs=2", "model.width=32", "name=\"other\""})
    CHECK_MESSAGE(plan_of(folder, "{}", {other}).runs[0].id != id, other);
}

TEST_CASE("one run with two sets of tests is refused, in two specs and in a grid") {
  const TemporaryFolder folder;
  Json spec = small_spec();
  spec["name"] = "same";
  const auto first = folder.write("a.json", spec.dump());
  spec["eval"] = {{"lengths", {64}}};
  const auto second = folder.write("b.json", spec.dump());
  CHECK(make_plan({first, first}, {}, "out").runs.size() == 1);
  const std::string message = message_of([&] { make_plan({first, second}, {}, "out"); });
  CHECK(has(message, "b.json: softmax-seed0-"));
  CHECK(has(message, "is planned already, with another \"eval\"; ask for all of it in one spec"));
  CHECK(has(message_of([&] { plan_of(folder, R"({"grid": {"eval.examples": [8, 16]}})"); }),
            "grid.eval.examples: runs that differ in \"eval\" only would train the same model"));
  CHECK(has(message_of([&] { plan_of(folder, R"({"grid": {"measure.speed": [true]}})"); }),
            "grid.measure.speed: "));
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
  const Plan plan = plan_of(folder, R"({"grid": {
      "train.lr": [0.0012345678901234], "train.clip": [0.0012345678901234], "train.weight_decay": [0.001234],
      "train.warmup": [0.0012345678, 0.0012345679]}})");
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

TEST_CASE("a text with a NUL is refused where it stands, before anything is planned") {
  const TemporaryFolder folder;
  const auto refused = [&](const char* more, const Texts& sets = {}) {
    return message_of([&] { plan_of(folder, more, sets); });
  };
  CHECK(has(refused(R"({"model": {"mixer": "softmax\u0000x"}})"), R"(the spec.model.mixer: "softmax\u0000x" holds)"));
  CHECK(has(refused(R"({"task": {"name": "language_model", "files": ["a\u0000b"]}})"), "the spec.task.files[0]: "));
  CHECK(has(refused(R"({"gr\u0000id": 1})"), R"(the spec: "gr\u0000id" holds)"));
  CHECK(has(refused(R"({"grid": {"model.mixer": ["softmax", "a\u0000"]}})"), "the spec.grid.model.mixer[1]: "));
  CHECK(has(refused("{}", {R"(model.mixer="a\u0000b")"}), "the spec.model.mixer: "));
  CHECK(has(message_of([] { parse_mixer(R"({"name": "soft\u0000max"})", "bench"); }), "bench.name: "));
  CHECK(has(message_of([] { parse_task(R"({"name": "mq\u0000ar"})", "describe"); }), "describe.name: "));
}

TEST_CASE("results whose folder no file system takes are refused when they are planned") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.write("small.json", small_spec().dump());
  const auto planned = [&](const std::string& out) { return message_of([&] { make_plan({file}, {}, out); }); };
  CHECK(planned("/" + std::string(255, 'a')).empty());
  CHECK(has(planned("/" + std::string(256, 'a')), "is 256 bytes long; expected at most 255"));
  std::string deep;
  for (int i = 0; i < 400; ++i) deep += "/aaaaaaaaa";
  CHECK(has(planned(deep), "bytes long; expected at most 3839"));
  CHECK(spec_name(Json::object(), std::string(255, 'a')).size() == 255);
  CHECK(has(message_of([] { spec_name(Json::object(), std::string(256, 'a')); }), "expected at most 255 bytes"));
}

}  // namespace
}  // namespace seqbench
