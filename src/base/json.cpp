#include "base/json.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "base/error.h"
#include "base/shortened.h"

namespace seqbench {
namespace {

// Copying and writing a value recurse; no spec or result comes near this depth.
constexpr int kDeepest = 64;
constexpr std::size_t kMostKeys = 10'000;
constexpr std::size_t kLargestFile = 100'000'000;  // bytes

// Sees every key as it is read, and stops at one that its object already has.
class Guard {
 public:
  Guard(const std::string& where, std::size_t most_keys) : where_(where), most_keys_(most_keys) {}

  template <class Any>
  bool operator()(int depth, typename Any::parse_event_t event, const Any& parsed) {
    fail_if(depth > kDeepest, "{}: nested deeper than {} levels.", where_, kDeepest);
    if (event == Any::parse_event_t::object_start) objects_.emplace_back();
    if (event == Any::parse_event_t::object_end) objects_.pop_back();
    if (event == Any::parse_event_t::key) add(parsed.template get<std::string>());
    return true;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string last;
  };

  void add(const std::string& key) {
    Object& innermost = objects_.back();
    const bool fresh = innermost.keys.insert(key).second;
    innermost.last = key;
    fail_if(innermost.keys.size() > most_keys_, "{}: an object of more than {} keys.", where_, most_keys_);
    if (fresh) return;
    std::string path;
    for (const Object& object : objects_) path += (path.empty() ? "" : ".") + shortened(object.last);
    fail("{}: {}: the key is given twice; take one out.", where_, path);
  }

  const std::string& where_;
  std::size_t most_keys_;
  std::vector<Object> objects_;
};

// What the library says, without the code and the position in front.
std::string reason(const Json::parse_error& error) {
  const std::string text = error.what();
  const auto column = text.find(", column ");
  const auto start = column == std::string::npos ? text.find("] ") : text.find(": ", column);
  return shortened(start == std::string::npos ? text : text.substr(start + 2));
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
       1 + std::ranges::count(read, '\n'), shortened(std::string(number)));
}

template <class Any>
Any parsed(std::string_view text, const std::string& where, std::size_t most_keys) {
  Guard guard(where, most_keys);
  try {
    return Any::parse(text, [&](int depth, typename Any::parse_event_t event, Any& value) {
      return guard(depth, event, value);
    });
  } catch (const nlohmann::json::parse_error& error) {
    fail_at(text, error, where);
  } catch (const nlohmann::json::out_of_range& error) {
    fail_at_number(text, error, where);
  }
}

std::string content_of(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  fail_if(!in, "{}: cannot be read: {}.", file.string(), std::strerror(errno));
  std::string text;
  std::vector<char> part(1 << 16);
  while (in.read(part.data(), std::ssize(part)), in.gcount() > 0) {
    text.append(part.data(), static_cast<std::size_t>(in.gcount()));
    fail_if(text.size() > kLargestFile, "{}: is larger than {} bytes; expected JSON.", file.string(),
            kLargestFile);
  }
  fail_if(in.bad(), "{}: cannot be read: {}.", file.string(), std::strerror(errno));
  return text;
}

}  // namespace

Json parse_json(std::string_view text, const std::string& where) {
  return parsed<Json>(text, where, kMostKeys);
}

nlohmann::json parse_unordered_json(std::string_view text, const std::string& where) {
  return parsed<nlohmann::json>(text, where, text.size());
}

Json read_json(const std::filesystem::path& file, bool pipes) {
  std::error_code missing;  // which opening says better
  const std::filesystem::file_status status = std::filesystem::status(file, missing);
  fail_if(std::filesystem::is_directory(status), "{}: is a folder; expected a file.", file.string());
  fail_if(std::filesystem::exists(status) && !std::filesystem::is_regular_file(status) && !pipes,
          "{}: is no regular file; expected one of JSON.", file.string());
  return parse_json(content_of(file), file.string());
}

std::string shown(const Json& value) {
  if (value.is_object()) return "an object";
  if (!value.is_array()) return shortened(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  constexpr std::size_t kShort = 8;
  if (value.size() > kShort || std::ranges::any_of(value, [](const Json& v) { return v.is_structured(); })) {
    return "a list";
  }
  std::string text;
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + shown(element);
  return "[" + text + "]";
}

}  // namespace seqbench
