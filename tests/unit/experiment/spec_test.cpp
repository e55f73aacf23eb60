#include "experiment/spec.h"

#include <doctest/doctest.h>

#include "experiment/grid.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// The message for the small spec with `path` set to `value`.
std::string with(const std::string& path, const Json& value) {
  Json spec = small_spec();
  set_path(spec, path, value, "test");
  return message_of([&] { resolve(spec); });
}

TEST_CASE("a spec is resolved with its values and the defaults of the rest") {
  Json json = small_spec();
  json["train"]["steps"] = 1e2;  // an integer, however it is written
  json["train"]["lr"] = 1;       // a real, likewise
  const RunSpec spec = resolve(json);
  CHECK(spec.task->name == "mqar");
  CHECK(spec.task_options.integer("pairs") == 4);
  CHECK(spec.model.options.integer("width") == 16);
  CHECK(spec.model.mixers.at(0).name == "softmax");
  CHECK(spec.train.integer("steps") == 100);
  CHECK(spec.train.real("lr") == 1.0);
  CHECK(spec.train.text("schedule") == "cosine");
  CHECK(spec.seed == 0);
}

TEST_CASE("mixers are a name, an object or a list of both") {
  Json json = small_spec();
  json["model"]["mixer"] = parse_json(R"(["min_gru", {"name": "softmax", "heads": 2}])", "test");
  const RunSpec spec = resolve(json);
  REQUIRE(spec.model.mixers.size() == 2);
  CHECK(spec.model.mixers[0].name == "min_gru");
  CHECK(spec.model.mixers[1].options.integer("heads") == 2);
  CHECK(spec.model.mixers[1].path == "model.mixer[1]");
  CHECK(mechanism_of(spec.model) == "min_gru+softmax");
}

TEST_CASE("unknown names show the nearest one and where they stand") {
  CHECK(has(with("trian", Json::object()), "the spec: unknown key \"trian\"; did you mean \"train\"?"));
  CHECK(has(with("train.stesp", 1), "train: unknown key \"stesp\"; did you mean \"steps\"?"));
  CHECK(has(with("model.mixr", 1), "model: unknown key \"mixr\"; did you mean \"mixer\"?"));
  CHECK(has(with("task.name", "mqra"), "task.name: unknown task \"mqra\"; did you mean \"mqar\"?"));
  CHECK(has(with("model.mixer", "sofmax"),
            "model.mixer: unknown mechanism \"sofmax\"; did you mean \"softmax\"?"));
  CHECK(has(with("model.mixer", {{"name", "softmax"}, {"head", 2}}),
            "model.mixer: unknown key \"head\"; did you mean \"heads\"?"));
}

TEST_CASE("wrong types and values out of range name the path, what was expected and what was given") {
  CHECK(has(with("train.steps", "many"), "train.steps: expected an integer"));
  CHECK(has(with("train.steps", "many"), "got \"many\""));
  CHECK(has(with("train.steps", nullptr), "train.steps: expected an integer"));
  CHECK(has(with("train.steps", nullptr), "got null"));
  CHECK(has(with("train.steps", 1.5), "got 1.5"));
  CHECK(has(with("train.steps", 0), "train.steps: expected an integer from 1 to 1000000000, got 0"));
  CHECK(has(with("train.steps", 18446744073709551615ULL), "got 18446744073709551615"));
  CHECK(
      has(with("train.schedule", "linear"), "train.schedule: expected one of: cosine, constant, got \"linear\""));
  CHECK(has(with("eval.lengths", {1, "x"}), "eval.lengths: expected a list of integers"));
  CHECK(has(with("train", 3), "train: expected an object, got 3"));
  CHECK(has(with("model.mixer", 3), "model.mixer: expected the name of a mechanism"));
  CHECK(has(with("model.mixer", Json::array()), "model.mixer: expected at least one mechanism"));
  CHECK(has(with("seed", -1), "seed: expected an integer of at least 0, got -1"));
  CHECK(has(with("seed", {0, 1}), "\"grid\""));
  CHECK(has(with("schema", 2), "schema: expected 1, got 2"));
  CHECK(has(message_of([] { resolve(Json(3)); }), "the spec: expected an object, got 3"));
}

TEST_CASE("task.name and model.mixer have no default") {
  Json spec = small_spec();
  spec["task"].erase("name");
  CHECK(has(message_of([&] { resolve(spec); }), "task.name: missing; expected one of:"));
  spec = small_spec();
  spec["model"].erase("mixer");
  CHECK(has(message_of([&] { resolve(spec); }), "model.mixer: missing"));
}

TEST_CASE("a resolved spec holds every value and resolves to itself") {
  const Json json = resolved_json("small", resolve(small_spec()));
  CHECK(json["train"]["schedule"] == "cosine");
  CHECK(json["model"]["mixer"]["name"] == "softmax");
  CHECK(json["model"]["mixer"].contains("heads"));
  CHECK(resolved_json("small", resolve(json)).dump() == json.dump());
  Json shuffled = {
      {"train", small_spec()["train"]}, {"model", small_spec()["model"]}, {"task", small_spec()["task"]}};
  CHECK(resolved_json("small", resolve(shuffled)).dump() == json.dump());
}

TEST_CASE("names of specs are safe as names of folders") {
  CHECK(spec_name(Json::object(), "my spec") == "my-spec");
  CHECK(spec_name(Json::object(), "..") == "spec");
  CHECK(spec_name({{"name", "a.b_c-1"}}, "x") == "a.b_c-1");
  for (const char* bad : {"", "..", "a/b", ".a", "a b"}) {
    CAPTURE(bad);
    CHECK(has(message_of([&] { spec_name({{"name", bad}}, "x"); }), "name: expected letters"));
  }
  CHECK(has(message_of([] { spec_name({{"name", 3}}, "x"); }), "got 3"));
}

}  // namespace
}  // namespace seqbench
