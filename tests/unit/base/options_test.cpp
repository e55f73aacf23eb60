#include "base/options.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "base/error.h"

namespace seqbench {
namespace {

OptionList declared() {
  return {Option::flag("speed", true, "a flag"),
          Option::integer("heads", 4, {1, 64}, "an integer"),
          Option::real("rate", 0.002, {0, 1}, "a real"),
          Option::text("name", "x", "a text"),
          Option::choice("position", "none", {"none", "learned"}, "a choice"),
          Option::integers("lengths", {64, 128}, {1, 4096}, "integers"),
          Option::texts("files", {"a", "b"}, "texts")};
}

using Given = std::map<std::string, Value>;

std::string refusal(const Given& given) {
  try {
    const Options options(declared(), given, "task");
  } catch (const Error& error) {
    return error.what();
  }
  return "taken";
}

TEST_CASE("options: what is not given is at its default") {
  const Options options(declared(), {}, "task");
  CHECK(options.flag("speed") == true);
  CHECK(options.integer("heads") == 4);
  CHECK(options.real("rate") == 0.002);
  CHECK(options.text("name") == "x");
  CHECK(options.text("position") == "none");
  CHECK(options.integers("lengths") == Integers{64, 128});
  CHECK(options.texts("files") == Texts{"a", "b"});
  CHECK(options.all().size() == 7);
}

TEST_CASE("options: what is given replaces the default, up to the ends of its range") {
  const Options options(declared(),
                        {{"speed", false},
                         {"heads", std::int64_t{64}},
                         {"rate", 1.0},
                         {"name", std::string("y")},
                         {"position", std::string("learned")},
                         {"lengths", Integers{1, 4096}},
                         {"files", Texts{"c"}}},
                        "task");
  CHECK(options.flag("speed") == false);
  CHECK(options.integer("heads") == 64);
  CHECK(options.real("rate") == 1.0);
  CHECK(options.text("name") == "y");
  CHECK(options.text("position") == "learned");
  CHECK(options.integers("lengths") == Integers{1, 4096});
  CHECK(options.texts("files") == Texts{"c"});
  CHECK(Options(declared(), {{"heads", std::int64_t{1}}}, "task").integer("heads") == 1);
}

TEST_CASE("options: an integer is taken for a real, and an empty list for a list of anything") {
  const Options options(declared(),
                        {{"rate", std::int64_t{1}}, {"files", Integers{}}, {"lengths", Integers{}}}, "t");
  CHECK(options.real("rate") == 1.0);
  CHECK(options.texts("files").empty());
  CHECK(options.integers("lengths").empty());
}

TEST_CASE("options: a value of another type is refused with what was expected and what was given") {
  CHECK(refusal({{"heads", 4.5}}) == "task.heads: expected an integer from 1 to 64, got 4.5.");
  CHECK(refusal({{"heads", std::string("four")}}) ==
        "task.heads: expected an integer from 1 to 64, got \"four\".");
  CHECK(refusal({{"speed", std::int64_t{1}}}) == "task.speed: expected true or false, got 1.");
  CHECK(refusal({{"rate", true}}) == "task.rate: expected a number from 0 to 1, got true.");
  CHECK(refusal({{"name", Texts{"a", "b"}}}) == "task.name: expected a text, got [a, b].");
  CHECK(refusal({{"files", std::string("a")}}) == "task.files: expected a list of texts, got \"a\".");
  CHECK(refusal({{"files", Integers{1}}}) == "task.files: expected a list of texts, got [1].");
  CHECK(refusal({{"lengths", std::int64_t{64}}}) ==
        "task.lengths: expected a list of integers, each from 1 to 4096, got 64.");
}

TEST_CASE("options: a value out of its range or choices is refused") {
  CHECK(refusal({{"heads", std::int64_t{0}}}) == "task.heads: expected an integer from 1 to 64, got 0.");
  CHECK(refusal({{"heads", std::int64_t{65}}}) == "task.heads: expected an integer from 1 to 64, got 65.");
  CHECK(refusal({{"rate", std::int64_t{2}}}) == "task.rate: expected a number from 0 to 1, got 2.");
  CHECK(refusal({{"rate", -0.1}}) == "task.rate: expected a number from 0 to 1, got -0.1.");
  CHECK(refusal({{"rate", std::nan("")}}) == "task.rate: expected a number from 0 to 1, got nan.");
  CHECK(refusal({{"lengths", Integers{64, 0}}}) ==
        "task.lengths: expected a list of integers, each from 1 to 4096, got [64, 0].");
  CHECK(refusal({{"position", std::string("rope")}}) ==
        "task.position: expected one of: none, learned, got \"rope\".");
  const OptionList unbounded = {Option::real("x", 0, {}, "any finite number")};
  CHECK_THROWS_AS(Options(unbounded, {{"x", std::numeric_limits<double>::infinity()}}, "t"), Error);
}

TEST_CASE("options: an unknown key is refused with the nearest name, where one is near") {
  CHECK(refusal({{"head", std::int64_t{4}}}) ==
        "task: unknown key \"head\"; did you mean \"heads\"? Known: speed, heads, rate, name, position, "
        "lengths, "
        "files.");
  const std::string far = refusal({{"zzzzzzzz", std::int64_t{4}}});
  CHECK(far.find("unknown key \"zzzzzzzz\". Known: speed") != std::string::npos);
  CHECK(far.find("did you mean") == std::string::npos);
}

TEST_CASE("options: nearest counts edits, and names nothing that shares too little") {
  CHECK(nearest("sofmax", {"softmax", "linear"}) == "softmax");
  CHECK(nearest("mingru", {"min_lstm", "min_gru"}) == "min_gru");
  CHECK(nearest("softmax", {"softmax2", "softmax"}) == "softmax");
  CHECK(nearest("linearr", {"softmax", "linear"}) == "linear");
  CHECK(nearest("seed", {"speed_limit"}).empty());
  CHECK(nearest("retention", {"softmax", "linear"}).empty());
  CHECK(nearest("ab", {"xy"}).empty());
  CHECK(nearest("", {"a"}).empty());
  CHECK(nearest("anything", {}).empty());
}

TEST_CASE("options: what is expected of an open range") {
  CHECK(expected(Option::integer("n", 0, {.low = 2}, "")) == "an integer of at least 2");
  CHECK(expected(Option::real("x", 0, {.high = 0.5}, "")) == "a number of at most 0.5");
  CHECK(expected(Option::integer("n", 0, {}, "")) == "an integer");
  CHECK(expected(Option::integers("n", {}, {}, "")) == "a list of integers");
}

TEST_CASE("options: values as text") {
  CHECK(to_text(Value(true)) == "true");
  CHECK(to_text(Value(std::int64_t{8})) == "8");
  CHECK(to_text(Value(0.002)) == "0.002");
  CHECK(to_text(Value(std::string("none"))) == "none");
  CHECK(to_text(Value(Integers{64, 128})) == "[64, 128]");
  CHECK(to_text(Value(Texts{})) == "[]");
}

TEST_CASE("options: asking for what was not declared is a mistake of the program") {
  const Options options(declared(), {}, "task");
  CHECK_THROWS_AS(options.integer("nothing"), std::logic_error);
  CHECK_THROWS_AS(options.integer("rate"), std::logic_error);
  CHECK_THROWS_AS(Options().flag("speed"), std::logic_error);
}

}  // namespace
}  // namespace seqbench
