#include "experiment/grid.h"

#include <doctest/doctest.h>

#include "unit/experiment/support.h"

namespace seqbench {
namespace {

Json parsed(const std::string& text) { return parse_json(text, "test"); }

Json after_set(const std::string& text, const std::string& assignment) {
  Json spec = parsed(text);
  apply_set(spec, assignment);
  return spec;
}

TEST_CASE("--set takes JSON where it parses and text otherwise, and makes objects on the way") {
  CHECK(after_set("{}", "train.lr=1e-3")["train"]["lr"] == 1e-3);
  CHECK(after_set("{}", "model.mixer=softmax")["model"]["mixer"] == "softmax");
  CHECK(after_set("{}", "model.mixer={\"name\": \"linear\"}")["model"]["mixer"]["name"] == "linear");
  CHECK(after_set("{}", "eval.lengths=[1, 2]")["eval"]["lengths"] == parsed("[1, 2]"));
  CHECK(after_set("{}", "name=a=b")["name"] == "a=b");
}

TEST_CASE("--set replaces an axis of the same path, in select as well") {
  const Json spec = after_set(
      R"({"grid": {"train.lr": [1, 2], "seed": [0, 1]}, "select": {"over": ["train.lr"], "by": "valid.loss"}})",
      "train.lr=3");
  CHECK(spec["train"]["lr"] == 3);
  CHECK(spec["grid"] == parsed(R"({"seed": [0, 1]})"));
  CHECK_FALSE(spec.contains("select"));
  CHECK_FALSE(after_set(R"({"grid": {"seed": [0, 1]}})", "seed=3").contains("grid"));
}

TEST_CASE("--set grid.PATH sets an axis") {
  const Json spec = after_set(R"({"grid": {"seed": [0, 1]}})", "grid.train.lr=[1,2]");
  CHECK(spec["grid"]["train.lr"] == parsed("[1, 2]"));
  CHECK(spec["grid"].size() == 2);
}

TEST_CASE("--set says what it cannot do") {
  const auto message = [](const std::string& spec, const std::string& assignment) {
    return message_of([&] { after_set(spec, assignment); });
  };
  CHECK(has(message("{}", "train.lr"), "--set train.lr: expected path=value"));
  CHECK(has(message("{}", "=3"), "expected path=value"));
  CHECK(has(message("{}", "train..lr=3"), "is no dotted path"));
  CHECK(has(message(R"({"model": {"mixer": "softmax"}})", "model.mixer.heads=2"),
            "model.mixer is \"softmax\", not an object"));
  CHECK(has(message(R"({"grid": {"model.mixer": ["softmax"]}})", "model.mixer.heads=2"),
            "model.mixer is an axis"));
}

TEST_CASE("the grid is a product in the order written, the last axis fastest") {
  Json spec = parsed(R"({"seed": 5, "grid": {"train.lr": [1, 2], "seed": [7, 8, 9]}})");
  const Grid grid = take_grid(spec);
  CHECK_FALSE(spec.contains("grid"));
  REQUIRE(grid.axes.size() == 2);
  CHECK(grid.axes[0].path == "train.lr");
  const auto all = combinations(grid.axes);
  REQUIRE(all.size() == 6);
  CHECK(all[0] == std::vector<std::size_t>{0, 0});
  CHECK(all[1] == std::vector<std::size_t>{0, 1});
  CHECK(all[3] == std::vector<std::size_t>{1, 0});
  CHECK(combinations({}).size() == 1);
}

TEST_CASE("grids that cannot be meant") {
  const auto message = [](const std::string& text) {
    Json spec = parsed(text);
    return message_of([&] { combinations(take_grid(spec).axes); });
  };
  CHECK(has(message(R"({"grid": {"train.lr": []}})"), "grid.train.lr: empty grid"));
  CHECK(has(message(R"({"grid": {}})"), "grid: empty grid"));
  CHECK(has(message(R"({"grid": [1]})"), "grid: expected an object"));
  CHECK(has(message(R"({"grid": {"train.lr": 3}})"), "grid.train.lr: expected a list of values, got 3"));
  CHECK(has(message(R"({"grid": {"trian.lr": [3]}})"), "grid: unknown path \"trian.lr\""));
  CHECK(has(message(R"({"grid": {"model.mixer.heads": [1], "model.mixer": ["softmax"]}})"),
            "put model.mixer first"));
  Json axes = Json::object();
  for (const char* path : {"train.lr", "train.steps", "train.batch"}) axes[path] = std::vector<int>(100, 1);
  CHECK(has(message(Json{{"grid", axes}}.dump()), "more than 100000 runs"));
}

TEST_CASE("select names axes and a validation metric") {
  const auto message = [](const std::string& select) {
    Json spec = parsed(R"({"grid": {"train.lr": [1, 2], "task.pairs": [2, 4], "seed": [0]}, "select": )" +
                       select + "}");
    return message_of([&] { take_grid(spec); });
  };
  CHECK(message(R"({"over": ["train.lr"], "by": "valid.accuracy"})") == "");
  CHECK(has(message(R"({"over": ["train.lr"], "by": "test.accuracy"})"), "select.by: expected one of"));
  CHECK(has(message(R"({"over": ["train.l"], "by": "valid.loss"})"), "did you mean \"train.lr\"?"));
  CHECK(has(message(R"({"over": ["seed"], "by": "valid.loss"})"), "seeds are kept together"));
  CHECK(has(message(R"({"over": [], "by": "valid.loss"})"), "select.over: expected a list"));
  CHECK(has(message(R"({"by": "valid.loss"})"), "select.over: missing"));
  CHECK(has(message(R"({"over": ["task.pairs"], "by": "valid.loss"})"), "different tasks are never chosen"));
  CHECK(has(message(R"({"ovr": []})"), "did you mean \"over\"?"));
}

TEST_CASE("values as parts of an id and as labels") {
  CHECK(value_slug({"train.lr", {}}, Json(2e-3)) == "lr0.002");
  CHECK(value_slug({"seed", {}}, Json(1)) == "seed1");
  CHECK(value_slug({"eval.lengths", {}}, Json{64, 128}) == "lengths64-128");
  CHECK(value_slug({"model.mixer", {}}, Json{{"name", "softmax"}, {"heads", 2}}) == "softmax");
  CHECK(value_slug({"model.mixer", {}}, Json{"softmax", "linear"}) == "softmax+linear");
  CHECK(value_slug({"train.schedule", {}}, Json("../x")) == "schedule..-x");
  CHECK(value_labels({"model.mixer", {Json("softmax"), Json("linear")}}) == Texts{"softmax", "linear"});
  CHECK(value_labels({"model.mixer", {Json("softmax"), Json{{"name", "softmax"}, {"heads", 2}}}}) ==
        Texts{"softmax", "softmax heads=2"});
}

}  // namespace
}  // namespace seqbench
