#include "experiment/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "experiment/grid.h"
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
        {{"weight",
          {{"type", "number"}, {"exclusiveMinimum", 0}, {"maximum", 1e9}, {"description", "its share of the mix"}}}});
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
  return {{"type", "integer"},
          {"minimum", 0},
          {"maximum", std::numeric_limits<std::int64_t>::max()},
          {"default", 0},
          {"description", "of data and initial weights"}};
}

Json axis(const Json& value) { return {{"type", "array"}, {"minItems", 1}, {"items", value}}; }

// Where tasks or mechanisms give an option of one name several types, any of these.
template <class Entries>
void add_axes_of(const Entries& entries, const std::string& part, Json& axes) {
  std::map<std::string, std::vector<Json>> types;
  Json names = Json::array();
  for (const auto& entry : entries) {
    names.push_back(entry.name);
    for (const Option& option : entry.options) {
      const Json type = std::visit(TypeOf{option}, option.default_value);
      std::vector<Json>& seen = types[option.name];
      if (std::ranges::find(seen, type) == seen.end()) seen.push_back(type);
    }
  }
  axes[part + ".name"] = axis({{"enum", names}});
  for (const auto& [option, any] : types)
    axes[part + "." + option] = axis(any.size() == 1 ? any.front() : Json{{"anyOf", any}});
}

Json reference(const std::string& part) { return {{"$ref", "#/properties/" + part}}; }

// Every path a grid may name.
Json grid() {
  Json axes = {{"seed", axis(reference("seed"))}};
  for (const char* part : {"task", "model", "train"}) axes[part] = axis(reference(part));
  for (const char* part : {"model.mixer", "model.budget"}) {
    const std::string path = part;
    const std::size_t dot = path.find('.');
    axes[path] = axis(reference(path.substr(0, dot) + "/properties/" + path.substr(dot + 1)));
  }
  axes["task.mix"] = axis({{"type", "array"}, {"items", {{"type", "object"}}}});
  for (const char* part : {"parameters", "state_bytes", "at"})
    axes[fmt::format("model.budget.{}", part)] = axis({{"type", "integer"}, {"minimum", 1}});
  add_axes_of(tasks().all(), "task", axes);
  add_axes_of(mechanisms().all(), "model.mixer", axes);
  const std::pair<const char*, OptionList> sections[] = {{"model", model_options()},
                                                         {"train", train_options()}};
  for (const auto& [name, options] : sections) {
    for (const Option& option : options)
      axes[std::string(name) + "." + option.name] = axis(described(option));
  }
  return {{"type", "object"},
          {"description",
           "paths and the values they take; the runs are the product, the last path moving fastest"},
          {"minProperties", 1},
          {"properties", axes},
          {"additionalProperties", false}};
}

Json select() {
  Json properties = properties_of(select_options());
  for (auto& [name, property] : properties.items()) property.erase("default");
  properties["over"]["items"]["pattern"] = "^(model|train)(\\.|$)";
  properties["over"]["minItems"] = 1;
  Json json = object_of(properties);
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

// The parts of a spec, from the outside in, each of them there and the last as `value` says.
Json given(const std::vector<const char*>& path, Json value) {
  for (auto part = path.rbegin(); part != path.rend(); ++part)
    value = {{"properties", {{*part, value}}}, {"required", {*part}}};
  return value;
}

Json in_grid(const Texts& paths) {
  Json any = Json::array();
  for (const std::string& path : paths) any.push_back({{"required", {path}}});
  return given({"grid"}, {{"anyOf", any}});
}

Json unless(const Json& condition, const Json& asked) { return {{"anyOf", {condition, asked}}}; }

// A task or mechanism has a name, in the spec and among the values of an axis.
Json names_given() {
  Json named = {{"if", {{"type", "object"}}}, {"then", {{"required", {"name"}}}}};
  named["items"] = {{"if", named["if"]}, {"then", named["then"]}};
  const Json task = {{"properties",
                      {{"task", named}, {"grid", {{"properties", {{"task", {{"items", named}}}}}}}}}};
  const Json mixer = {
      {"properties",
       {{"model", {{"properties", {{"mixer", named}}}}},
        {"grid", {{"properties", {{"model.mixer", {{"items", named}}}}}}}}}};
  return Json::array({unless(in_grid({"task", "task.name"}), given({"task", "name"}, Json::object())),
                      unless(in_grid({"task.name"}), task),
                      unless(in_grid({"model", "model.mixer", "model.mixer.name"}),
                             given({"model", "mixer"}, Json::object())),
                      unless(in_grid({"model.mixer.name"}), mixer)});
}

// Of the paths below `part`, only those of these options.
Json only_axes(const std::string& part, const OptionList& options, const Texts& more) {
  Json known = Json::array();
  for (const std::string& name : more) known.push_back(part + "." + name);
  for (const Option& option : options) known.push_back(part + "." + option.name);
  const Json other = {{"not", {{"pattern", "^" + part + "\\."}}}};
  return {{"properties", {{"grid", {{"propertyNames", {{"anyOf", {other, {{"enum", known}}}}}}}}}}};
}

// What a task or mechanism that no axis replaces says of the rest of the spec.
Json of_the_task(const TaskEntry& entry) {
  Json asked = only_axes("task", entry.options, {"mix"});
  Json settings_of_task = settings(entry, "further tests: options of the task that are different there", Json::object());
  asked["properties"]["eval"] = {{"properties", {{"settings", settings_of_task}}}};
  Json condition = given({"task", "name"}, {{"const", entry.name}});
  condition["not"] = in_grid({"task", "task.name"});
  return {{"if", condition}, {"then", asked}};
}

Json of_the_mixer(const Json& mixer, const OptionList& options) {
  Json condition = given({"model", "mixer"}, mixer);
  condition["not"] = in_grid({"model", "model.mixer", "model.mixer.name"});
  return {{"if", condition}, {"then", only_axes("model.mixer", options, {})}};
}

Json conditions() {
  Json all = names_given();
  for (const TaskEntry& entry : tasks().all()) all.push_back(of_the_task(entry));
  for (const MechanismEntry& entry : mechanisms().all())
    all.push_back(of_the_mixer(given({"name"}, {{"const", entry.name}}), entry.options));
  all.push_back(of_the_mixer({{"not", {{"type", "object"}}}}, {}));  // nothing is set inside a text or a list
  return all;
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
      {"name",
       {{"type", "string"},
        {"pattern", "^[A-Za-z0-9_+][A-Za-z0-9._+-]*$"},
        {"description", "folder of the results; default: the name of the file"}}},
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
  schema["dependencies"] = {{"select", {"grid"}}};
  schema["allOf"] = conditions();
  schema["definitions"] = {{"mixer", one_mixer()}};
  return schema.dump(2) + "\n";
}

}  // namespace seqbench
