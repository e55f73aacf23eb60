#include "experiment/json.h"

#include <doctest/doctest.h>

#include "unit/experiment/support.h"

namespace seqbench {
namespace {

TEST_CASE("malformed JSON is named with file, line and column") {
  const auto message = [](const std::string& text) {
    return message_of([&] { parse_json(text, "a.json"); });
  };
  CHECK(has(message("{\"a\": 1,\n  \"b\": [1,, 2]}"), "a.json: line 2, column 11: malformed JSON"));
  CHECK(has(message("{\"a\": 1"), "a.json: line 1, column 8: malformed JSON"));
  CHECK(has(message(""), "a.json: line 1, column 1: malformed JSON"));
  CHECK(has(message("{}\n{}"), "a.json: line 2, column 1: malformed JSON"));
  CHECK(has(message("[1e400]"), "a.json: line 1: the number 1e400 is too large"));
}

TEST_CASE("a key given twice is an error, and only in one object") {
  CHECK(message_of([] { parse_json(R"({"train": {"lr": 1, "steps": 2, "lr": 3}})", "a.json"); }) ==
        "a.json: train.lr: the key is given twice; take one out.");
  CHECK(parse_json(R"([{"lr": 1}, {"lr": 2, "in": {"lr": 3}}])", "a.json")[1]["in"]["lr"] == 3);
}

TEST_CASE("nesting has a limit, so that no file can exhaust the stack") {
  CHECK(has(message_of([] { parse_json(std::string(100000, '['), "a.json"); }),
            "nested deeper than 64 levels"));
}

TEST_CASE("a file that cannot be read says why") {
  const TemporaryFolder folder;
  CHECK(has(message_of([&] { read_json(folder.path() / "no.json"); }),
            "no.json: cannot be read: No such file"));
  CHECK(has(message_of([&] { read_json(folder.path()); }), "is a folder"));
  CHECK(read_json(folder.write("a.json", "{\"b\": [2]}"))["b"][0] == 2);
}

TEST_CASE("values in messages") {
  CHECK(shown(Json(nullptr)) == "null");
  CHECK(shown(Json("x")) == "\"x\"");
  CHECK(shown(Json{1, 2}) == "[1, 2]");
  CHECK(shown(Json{{1}, {2}}) == "a list");
  CHECK(shown(Json::object()) == "an object");
}

}  // namespace
}  // namespace seqbench
