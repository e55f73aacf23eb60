#include "base/json.h"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/shortened.h"
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

TEST_CASE("an object has a limit of keys, so that no file takes hours") {
  const auto keys = [](int count) {
    std::string text = "{";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "\"" : ", \"") + std::to_string(i) + "\": 0";
    return text + "}";
  };
  CHECK(parse_json(keys(10000), "a.json").size() == 10000);
  CHECK(message_of([&] { parse_json(keys(10001), "a.json"); }) == "a.json: an object of more than 10000 keys.");
  CHECK(parse_unordered_json(keys(50000), "a.json").size() == 50000);
}

TEST_CASE("messages quote the beginning of what is long") {
  const std::string text(1'000'000, 'a');
  CHECK(message_of([&] { parse_json("[" + text, "a.json"); }).size() < 500);
  CHECK(message_of([&] { parse_json("{\"" + text + "\": 1, \"" + text + "\": 1}", "a.json"); }).size() < 500);
  CHECK(shown(Json(text)).size() < 300);
  CHECK(shortened(std::string(199, 'a') + "\xc3\xa9") == std::string(199, 'a') + "... (201 bytes)");
  CHECK(shortened(std::string(198, 'a') + "\xc3\xa9") == std::string(198, 'a') + "\xc3\xa9");
}

TEST_CASE("a file that cannot be read says why") {
  const TemporaryFolder folder;
  CHECK(has(message_of([&] { read_json(folder.path() / "no.json"); }),
            "no.json: cannot be read: No such file"));
  CHECK(has(message_of([&] { read_json(folder.path()); }), "is a folder"));
  REQUIRE(::mkfifo(folder.path("pipe").c_str(), 0600) == 0);
  CHECK(has(message_of([&] { read_json(folder.path("pipe")); }), "pipe: is no regular file"));
  folder.write("large.json", "");
  std::filesystem::resize_file(folder.path("large.json"), 100'000'001);
  CHECK(has(message_of([&] { read_json(folder.path("large.json")); }), "is larger than 100000000 bytes"));
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
