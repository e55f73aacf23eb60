#include "experiment/json_part.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace seqbench {

bool JsonPart::is_null() const { return json_.is_null(); }
bool JsonPart::is_list() const { return json_.is_array(); }

JsonPart JsonPart::at(const std::string& key) const {
  const std::string path = path_.empty() ? key : path_ + "." + key;
  fail_if(!has(key), "{}: is missing.", path);
  return JsonPart(json_.at(key), path);
}

bool JsonPart::has(const std::string& key) const {
  if (!json_.is_object()) refuse("an object");
  return json_.contains(key);
}

std::vector<std::pair<std::string, JsonPart>> JsonPart::members() const {
  if (!json_.is_object()) refuse("an object");
  std::vector<std::pair<std::string, JsonPart>> all;
  for (const auto& [key, value] : json_.items()) all.emplace_back(key, at(key));
  return all;
}

std::vector<JsonPart> JsonPart::elements() const {
  if (!json_.is_array()) refuse("a list");
  std::vector<JsonPart> all;
  for (std::size_t i = 0; i < json_.size(); ++i) all.emplace_back(json_[i], fmt::format("{}[{}]", path_, i));
  return all;
}

std::string JsonPart::text() const {
  if (!json_.is_string()) refuse("a text");
  return json_.get<std::string>();
}

Texts JsonPart::texts() const {
  Texts all;
  for (const JsonPart& element : elements()) all.push_back(element.text());
  return all;
}

double JsonPart::number() const {
  if (json_.is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (!json_.is_number()) refuse("a number");
  return json_.get<double>();
}

std::int64_t JsonPart::whole(std::int64_t least) const {
  const bool too_large = json_.is_number_unsigned() && json_.get<std::int64_t>() < 0;
  if (!json_.is_number_integer() || too_large) refuse("a whole number");
  const auto value = json_.get<std::int64_t>();
  if (value < least) refuse(fmt::format("a whole number from {} on", least));
  return value;
}

void JsonPart::refuse(const std::string& expected) const {
  fail("{}: expected {}, got {}.", path_, expected, shown(json_));
}

}  // namespace seqbench
