// Reads a JSON file part by part, so that what is wrong with one is said with its path.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/options.h"

namespace seqbench {

// A value somewhere in a file, which outlives it. What reads it throws Error when it is something else:
// "cost.parameters: expected a whole number, got a list."
class JsonPart {
 public:
  explicit JsonPart(const Json& json, std::string path = "") : json_(json), path_(std::move(path)) {}

  bool is_null() const;
  bool is_list() const;
  // Of an object.
  JsonPart at(const std::string& key) const;
  bool has(const std::string& key) const;
  std::vector<std::pair<std::string, JsonPart>> members() const;

  std::vector<JsonPart> elements() const;  // of a list
  std::string text() const;
  Texts texts() const;    // of a list
  double number() const;  // not finite for null
  // A whole number, of at least that.
  std::int64_t whole(std::int64_t least = std::numeric_limits<std::int64_t>::min()) const;

  const Json& json() const { return json_; }
  // Throws that error.
  [[noreturn]] void refuse(const std::string& expected) const;

 private:
  const Json& json_;
  std::string path_;
};

}  // namespace seqbench
