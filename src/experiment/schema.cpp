#include "experiment/schema.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "experiment/spec.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

// Whole bounds of integers as integers: editors show them.
Json bound(double value) {
  return value == std::floor(value) && std::abs(value) < 0x1p53 ? Json(static_cast<std::int64_t>(value))
                                                                : Json(value);
}

Json with_range(Json json, const Range& range) {
  if (std::isfinite(range.low)) json["minimum"] = bound(range.low);
  if (std::isfinite(range.high)) json["maximum"] = bound(range.high);
  return json;
}

Json list_of(const Json& items) { return {{"type", "array"}, {"items", items}}; }

struct TypeOf {
  const Option& option;
  Json operator()(bool) const { return {{"type", "boolean"}}; }
  Json operator()(std::int64_t) const { return with_range({{"type", "integer"}}, option.range); }
  Json operator()(double) const { return with_range({{"type", "number"}}, option.range); }
  Json operator()(const std::string&) const {
    if (option.choices.empty()) return {{"type", "string"}};
    return {{"enum", option.choices}};
  }
  Json operator()(const Integers&) const { return list_of(with_range({{"type", "integer"}}, option.range)); }
  Json operator()(const Texts&) const { return list_of({{"type", "string"}}); }
};

Json described(const Option& option) {
  Json json = std::visit(TypeOf{option}, option.default_value);
  json["description"] = option.help;
  json["default"] = std::visit([](const auto& value) { return Json(value); }, option.default_value);
  return json;
}

Json object_of(const Json& properties) {
  return {{"type", "object"}, {"properties", properties}, {"additionalProperties", false}};
}

Json properties_of(const OptionList& options) {
  Json properties = Json::object();
  for (const Option& option : options) properties[option.name] = described(option);
  return properties;
}

// A task or mechanism: an object whose name decides its keys. The name may be absent, as a grid may set it.
template <class Entry>
Json named(const Entry& entry) {
  Json properties = {{"name", {{"const", entry.name}, {"description", entry.summary}}}};
  properties.update(properties_of(entry.options));
  return object_of(properties);
}

// A list of objects with some of the task's options.
Json settings(const TaskEntry& entry, const char* help, Json more) {
  Json properties = std::move(more);
  properties.update(properties_of(entry.options));
  for (auto& [name, property] : properties.items()) property.erase("default");
  Json list = list_of(object_of(properties));
  list["description"] = help;
  return list;
}

Json any_task() {
  Json any = Json::array();
  for (const TaskEntry& entry : tasks().all()) {
    any.push_back(named(entry));
    any.back()["properties"]["mix"] = settings(
        entry, "settings of the task that are trained on together, shuffled",
        {{"weight", {{"type", "number"}, {"exclusiveMinimum", 0}, {"description", "its share of the mix"}}}});
  }
  return {{"description", "where tokens and labels come from"}, {"anyOf", any}};
}

Json one_mixer() {
  Json names = Json::array();
  for (const MechanismEntry& entry : mechanisms().all()) names.push_back(entry.name);
  Json any = Json::array({{{"enum", names}}});
  for (const MechanismEntry& entry : mechanisms().all()) any.push_back(named(entry));
  return {{"anyOf", any}};
}

Json mixer() {
  Json list = list_of({{"$ref", "#/definitions/mixer"}});
  list["minItems"] = 1;
  list["description"] = "mechanisms of the layers, repeated in this order";
  return {{"description", "what mixes the sequence"}, {"anyOf", {{{"$ref", "#/definitions/mixer"}}, list}}};
}

Json seed() {
  return {
      {"type", "integer"}, {"minimum", 0}, {"default", 0}, {"description", "of data and initial weights"}};
}

Json axis(const Json& value) { return {{"type", "array"}, {"minItems", 1}, {"items", value}}; }

// Every path a grid may name; those of tasks and mechanisms, whose keys depend on the name, without a type.
Json grid() {
  Json axes = {{"model.mixer", axis(mixer())}, {"seed", axis(seed())}};
  const std::pair<const char*, OptionList> sections[] = {{"model", model_options()},
                                                         {"train", train_options()},
                                                         {"eval", eval_options()},
                                                         {"measure", measure_options()}};
  for (const auto& [name, options] : sections) {
    for (const Option& option : options)
      axes[std::string(name) + "." + option.name] = axis(described(option));
  }
  return {{"type", "object"},
          {"description",
           "paths and the values they take; the runs are the product, the last path moving fastest"},
          {"minProperties", 1},
          {"properties", axes},
          {"patternProperties",
           {{"^(task|model|train|eval|measure)(\\..+)?$", {{"type", "array"}, {"minItems", 1}}}}},
          {"additionalProperties", false}};
}

Json select() {
  Json over = list_of({{"type", "string"}});
  over["minItems"] = 1;
  over["description"] = "paths of the grid of which the table shows the best value";
  Json json = object_of({{"over", over}, {"by", {{"enum", {"valid.accuracy", "valid.loss"}}}}});
  json["required"] = {"over", "by"};
  return json;
}

Json section(const char* help, const OptionList& options) {
  Json json = object_of(properties_of(options));
  json["description"] = help;
  return json;
}

Json budget() {
  const Json positive = {{"type", "integer"}, {"minimum", 1}};
  Json parameters = object_of({{"parameters", positive}});
  parameters["required"] = {"parameters"};
  parameters["description"] = "the width, and ffn where one is given, within 1% of so many parameters";
  const Json context = properties_of(measure_options())["contexts"]["items"];
  Json state = object_of({{"state_bytes", positive}, {"at", context}});
  state["required"] = {"state_bytes", "at"};
  state["description"] = "the width within 10% of a decode state of so many bytes after that many tokens";
  return {{"description", "instead of a width"}, {"oneOf", {parameters, state}}};
}

}  // namespace

std::string schema_text() {
  Json model = section("a small causal language model around the mechanism", model_options());
  model["properties"]["mixer"] = mixer();
  model["properties"]["budget"] = budget();
  Json eval = section("how it is scored", eval_options());
  eval["properties"]["settings"] = list_of({{"type", "object"}});
  eval["properties"]["settings"]["description"] =
      "further tests: options of the task that are different there";
  Json spec = object_of({
      {"$schema", {{"type", "string"}}},
      {"schema", {{"const", kSchema}}},
      {"name", {{"type", "string"}, {"description", "folder of the results; default: the name of the file"}}},
      {"task", any_task()},
      {"model", model},
      {"train", section("how the model is trained", train_options())},
      {"eval", eval},
      {"measure", section("what is measured of its cost", measure_options())},
      {"seed", seed()},
      {"grid", grid()},
      {"select", select()},
  });
  Json schema = {{"$schema", "http://json-schema.org/draft-07/schema#"}, {"title", "seqbench spec"}};
  schema.update(spec);
  schema["definitions"] = {{"mixer", one_mixer()}};
  return schema.dump(2) + "\n";
}

}  // namespace seqbench
