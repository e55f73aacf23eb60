#include "experiment/describe.h"

#include <doctest/doctest.h>

#include "experiment/plan.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// A small spec with the sections of `example`, whose task and model it completes.
Json completed(const Json& example) {
  Json spec = small_spec();
  spec["model"].erase("width");
  spec.merge_patch(example);
  return spec;
}

TEST_CASE("every section of a spec is described, with an example that can be planned") {
  const TemporaryFolder folder;
  for (const char* name : {"task", "grid", "select", "budget"}) {
    CAPTURE(name);
    const std::string text = describe_text(name);
    CHECK(text.starts_with(std::string(name) + " (section)\n"));
    const Json json = parse_json(describe_json(name), "describe");
    CHECK(json.at("kind") == "section");
    CHECK(has(text, "example:"));
    const Json spec = completed(json.at("example"));
    CHECK(message_of([&] { make_plan({folder.write("small.json", spec.dump())}, {}, "out"); }) == "");
  }
}

TEST_CASE("a section names what its parser takes, and no default where there is none") {
  CHECK(has(describe_text("task"), "mqar, parity"));
  CHECK(has(describe_text("select"), "one of: valid.accuracy, valid.loss"));
  CHECK(has(describe_text("budget"), "an integer of at least 1"));
  for (const char* name : {"select", "budget"}) {
    const Json json = parse_json(describe_json(name), "describe");
    REQUIRE(!json.at("options").empty());
    for (const Json& option : json.at("options")) CHECK(option.at("default").is_null());
  }
  CHECK(has(describe_text("grid"), "task, model, train, seed, or below"));
}

TEST_CASE("sections are among what an unknown name is told, and what the list ends with") {
  const std::string sections = "task, model, train, eval, measure, grid, select, budget";
  CHECK(has(message_of([] { describe_text("nosuch"); }), sections));
  CHECK(has(list_text(""), sections));
  CHECK(has(message_of([] { describe_text("selct"); }), "did you mean \"select\"?"));
}

}  // namespace
}  // namespace seqbench
