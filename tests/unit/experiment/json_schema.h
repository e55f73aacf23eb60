// As much of JSON Schema (draft 7) as the schema of specs uses: an unknown keyword is an error of the test.
#pragma once
#include <algorithm>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <stdexcept>
#include <string>

#include "base/json.h"

namespace seqbench::test {

class JsonSchema {
 public:
  explicit JsonSchema(Json root) : root_(std::move(root)) {}
  bool accepts(const Json& value) const { return accepts(root_, value); }

 private:
  using Keyword = std::function<bool(const JsonSchema&, const Json& argument, const Json& schema, const Json& value)>;

  bool accepts(const Json& schema, const Json& value) const {
    if (schema.is_boolean()) return schema.get<bool>();
    return std::ranges::all_of(schema.items(), [&](const auto& item) {
      const auto keyword = keywords().find(item.key());
      if (keyword == keywords().end()) throw std::logic_error("a keyword of JSON Schema: " + item.key());
      return keyword->second(*this, item.value(), schema, value);
    });
  }

  const Json& part(const std::string& reference) const {
    return root_.at(Json::json_pointer(reference.substr(1)));
  }

  std::ptrdiff_t fitting(const Json& schemas, const Json& value) const {
    return std::ranges::count_if(schemas, [&](const Json& schema) { return accepts(schema, value); });
  }

  static bool is_whole(const Json& value) {
    return value.is_number_integer() || (value.is_number_float() && std::trunc(value.get<double>()) == value);
  }

  static bool has_type(const std::string& type, const Json& value) {
    if (type == "integer") return is_whole(value);
    if (type == "number") return value.is_number();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_boolean();
    if (type == "array") return value.is_array();
    if (type == "object") return value.is_object();
    throw std::logic_error("a type of JSON Schema: " + type);
  }

  static bool matches(const std::string& pattern, const std::string& text) {
    static std::map<std::string, std::regex> made;
    return std::regex_search(text, made.try_emplace(pattern, pattern).first->second);
  }

  bool members_fit(const Json& schema, const Json& object) const {
    if (!object.is_object()) return true;
    const Json none = Json::object();
    const Json& named = schema.contains("properties") ? schema.at("properties") : none;
    return std::ranges::all_of(object.items(), [&](const auto& member) {
      if (named.contains(member.key())) return accepts(named.at(member.key()), member.value());
      return !schema.contains("additionalProperties") ||
             accepts(schema.at("additionalProperties"), member.value());
    });
  }

  static const std::map<std::string, Keyword>& keywords() {
    using S = const JsonSchema&;
    using J = const Json&;
    const Keyword ignored = [](S, J, J, J) { return true; };
    const Keyword members = [](S s, J, J schema, J value) { return s.members_fit(schema, value); };
    static const std::map<std::string, Keyword> all = {
        {"$schema", ignored},
        {"title", ignored},
        {"description", ignored},
        {"default", ignored},
        {"definitions", ignored},
        {"then", ignored},
        {"properties", members},
        {"additionalProperties", members},
        {"$ref", [](S s, J to, J, J value) { return s.accepts(s.part(to.get<std::string>()), value); }},
        {"type", [](S, J type, J, J value) { return has_type(type.get<std::string>(), value); }},
        {"const", [](S, J only, J, J value) { return value == only; }},
        {"enum", [](S, J any, J, J value) { return std::ranges::find(any, value) != any.end(); }},
        {"minimum", [](S, J least, J, J value) { return !value.is_number() || value >= least; }},
        {"maximum", [](S, J most, J, J value) { return !value.is_number() || value <= most; }},
        {"exclusiveMinimum", [](S, J low, J, J value) { return !value.is_number() || value > low; }},
        {"pattern",
         [](S, J pattern, J, J value) {
           return !value.is_string() || matches(pattern.get<std::string>(), value.get<std::string>());
         }},
        {"items",
         [](S s, J items, J, J value) {
           return !value.is_array() ||
                  std::ranges::all_of(value, [&](J element) { return s.accepts(items, element); });
         }},
        {"minItems", [](S, J least, J, J value) { return !value.is_array() || value.size() >= least; }},
        {"minProperties", [](S, J least, J, J value) { return !value.is_object() || value.size() >= least; }},
        {"propertyNames",
         [](S s, J names, J, J value) {
           return !value.is_object() || std::ranges::all_of(value.items(), [&](const auto& member) {
             return s.accepts(names, Json(member.key()));
           });
         }},
        {"required",
         [](S, J keys, J, J value) {
           return !value.is_object() ||
                  std::ranges::all_of(keys, [&](J key) { return value.contains(key.get<std::string>()); });
         }},
        {"dependencies",
         [](S, J needs, J, J value) {
           return !value.is_object() || std::ranges::all_of(needs.items(), [&](const auto& need) {
             return !value.contains(need.key()) || std::ranges::all_of(need.value(), [&](J key) {
               return value.contains(key.get<std::string>());
             });
           });
         }},
        {"anyOf", [](S s, J any, J, J value) { return s.fitting(any, value) > 0; }},
        {"oneOf", [](S s, J any, J, J value) { return s.fitting(any, value) == 1; }},
        {"allOf", [](S s, J all_of, J, J value) { return s.fitting(all_of, value) == std::ssize(all_of); }},
        {"not", [](S s, J not_this, J, J value) { return !s.accepts(not_this, value); }},
        {"if",
         [](S s, J condition, J schema, J value) {
           return !s.accepts(condition, value) || s.accepts(schema.at("then"), value);
         }},
    };
    return all;
  }

  Json root_;
};

}  // namespace seqbench::test
