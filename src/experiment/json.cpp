#include "experiment/json.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <vector>

#include "base/error.h"

namespace seqbench {
namespace {

// Copying and writing a value recurse; no spec or result comes near this depth.
constexpr int kDeepest = 64;

// Sees every key as it is read, and stops at one that its object already has.
class Guard {
 public:
  explicit Guard(const std::string& where) : where_(where) {}

  bool operator()(int depth, Json::parse_event_t event, const Json& parsed) {
    fail_if(depth > kDeepest, "{}: nested deeper than {} levels.", where_, kDeepest);
    if (event == Json::parse_event_t::object_start) objects_.emplace_back();
    if (event == Json::parse_event_t::object_end) objects_.pop_back();
    if (event == Json::parse_event_t::key) add(parsed.get<std::string>());
    return true;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string last;
  };

  void add(const std::string& key) {
    const bool fresh = objects_.back().keys.insert(key).second;
    objects_.back().last = key;
    if (fresh) return;
    std::string path;
    for (const Object& object : objects_) path += (path.empty() ? "" : ".") + object.last;
    fail("{}: {}: the key is given twice; take one out.", where_, path);
  }

  const std::string& where_;
  std::vector<Object> objects_;
};

// What the library says, without the code and the position in front.
std::string reason(const Json::parse_error& error) {
  const std::string text = error.what();
  const auto column = text.find(", column ");
  const auto start = column == std::string::npos ? text.find("] ") : text.find(": ", column);
  return start == std::string::npos ? text : text.substr(start + 2);
}

[[noreturn]] void fail_at(std::string_view text, const Json::parse_error& error, const std::string& where) {
  const std::string_view read = text.substr(0, std::min(text.size(), error.byte > 0 ? error.byte - 1 : 0));
  const auto line = 1 + std::ranges::count(read, '\n');
  const auto last = read.rfind('\n');
  const std::size_t column = read.size() - (last == std::string_view::npos ? 0 : last + 1) + 1;
  fail("{}: line {}, column {}: malformed JSON: {}.", where, line, column, reason(error));
}

// The library names a number that is too large for any type, in quotes, and not where it stands.
[[noreturn]] void fail_at_number(std::string_view text, const Json::out_of_range& error,
                                 const std::string& where) {
  const std::string_view what = error.what();
  const auto from = std::min(what.find('\''), what.size() - 1) + 1;
  const std::string_view number = what.substr(from, what.rfind('\'') - from);
  const std::string_view read = text.substr(0, std::min(text.size(), text.find(number)));
  fail("{}: line {}: the number {} is too large; expected one below 1.8e308.", where,
       1 + std::ranges::count(read, '\n'), number);
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  Guard guard(where);
  try {
    return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& parsed) {
      return guard(depth, event, parsed);
    });
  } catch (const Json::parse_error& error) {
    fail_at(text, error, where);
  } catch (const Json::out_of_range& error) {
    fail_at_number(text, error, where);
  }
}

Json read_json(const std::filesystem::path& file) {
  std::error_code unreadable;
  fail_if(std::filesystem::is_directory(file, unreadable), "{}: is a folder; expected a file.",
          file.string());
  std::ifstream in(file, std::ios::binary);
  fail_if(!in, "{}: cannot be read: {}.", file.string(), std::strerror(errno));
  std::ostringstream text;
  text << in.rdbuf();
  return parse_json(text.view(), file.string());
}

std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (!value.is_array()) return value.dump(-1, ' ', false, Json::error_handler_t::replace);
  constexpr std::size_t kShort = 8;
  if (value.size() > kShort || std::ranges::any_of(value, [](const Json& v) { return v.is_structured(); })) {
    return "a list";
  }
  std::string text;
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + shown(element);
  return "[" + text + "]";
}

}  // namespace seqbench
