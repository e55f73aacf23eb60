#include "experiment/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "experiment/spec.h"
#include "experiment/table.h"
#include "experiment/task_example.h"
#include "mechanism/mechanism.h"
#include "train/spec.h"

namespace seqbench {
namespace {

// What a mechanism, a task and a section have in common.
struct Item {
  std::string kind;
  std::string name;
  std::string summary;
  std::vector<std::pair<std::string, std::string>> facts;  // "source" -> "Vaswani et al. 2017"
  OptionList options;
};

Item item_of(const MechanismEntry& entry) {
  Texts forms;
  for (const Form form : entry.forms) forms.push_back(name_of(form));
  return {"mechanism",
          entry.name,
          entry.summary,
          {{"source", entry.source},
           {"forms", fmt::format("{}", fmt::join(forms, ", "))},
           {"state", entry.state}},
          entry.options};
}

Item item_of(const TaskEntry& entry) {
  return {"task",
          entry.name,
          entry.summary,
          {{"source", entry.source}, {"version", std::to_string(entry.version)}},
          entry.options};
}

std::vector<Item> items() {
  std::vector<Item> all;
  for (const MechanismEntry& entry : mechanisms().all()) all.push_back(item_of(entry));
  for (const TaskEntry& entry : tasks().all()) all.push_back(item_of(entry));
  return all;
}

Item task_item(const RunSpec& spec) {
  Item item = item_of(*spec.task);
  for (auto& fact : label_facts(spec)) item.facts.push_back(std::move(fact));
  return item;
}

std::vector<Item> sections() {
  return {{"section", "model", "the model around the mechanism, which is model.mixer", {}, model_options()},
          {"section", "train", "how the model is trained", {}, train_options()},
          {"section", "eval", "how the model is scored", {}, eval_options()},
          {"section", "measure", "what is measured of its cost", {}, measure_options()}};
}

Item find(const std::string& name) {
  if (name.starts_with("{")) return task_item(parse_task(name, "describe"));
  std::vector<Item> all = items();
  for (Item& section : sections()) all.push_back(std::move(section));
  const auto found = std::ranges::find(all, name, &Item::name);
  if (found != all.end()) return found->kind == "task" ? task_item(parse_task(name, "describe")) : *found;
  Texts names;
  for (const Item& item : all) names.push_back(item.name);
  throw Error(unknown_name("name", name, "describe", names));
}

Json json_of(const Option& option) {
  Json json = {{"name", option.name},
               {"default", std::visit([](const auto& value) { return Json(value); }, option.default_value)},
               {"expected", expected(option)},
               {"help", option.help}};
  if (!option.choices.empty()) json["choices"] = option.choices;
  return json;
}

Json json_of(const Item& item) {
  Json json = {{"kind", item.kind}, {"name", item.name}, {"summary", item.summary}};
  for (const auto& [key, value] : item.facts) json[key] = value;
  json["options"] = Json::array();
  for (const Option& option : item.options) json["options"].push_back(json_of(option));
  return json;
}

std::string text_of(const Option& option) {
  const std::string text = to_text(option.default_value);
  return text.empty() ? "\"\"" : text;
}

bool wanted(const Item& item, const std::string& what) { return what.empty() || item.kind + "s" == what; }

}  // namespace

std::string list_text(const std::string& what) {
  std::string text;
  for (const char* kind : {"mechanism", "task"}) {
    Table table;
    table.add_column(fmt::format("{}s", kind), Align::left);
    table.add_column("", Align::left);
    bool any = false;
    for (const Item& item : items()) {
      if (item.kind != kind || !wanted(item, what)) continue;
      table.add_row({"  " + item.name, item.summary});
      any = true;
    }
    if (any) text += fmt::format("{}{}", text.empty() ? "" : "\n", table.text());
  }
  return text +
         "\n\"seqbench describe NAME\" shows the options of one; sections of a spec: model, train, eval, "
         "measure.\n";
}

std::string list_json(const std::string& what) {
  Json all = Json::array();
  for (const Item& item : items()) {
    if (wanted(item, what))
      all.push_back({{"kind", item.kind}, {"name", item.name}, {"summary", item.summary}});
  }
  return all.dump(2) + "\n";
}

std::string describe_text(const std::string& name) {
  const Item item = find(name);
  std::string text = fmt::format("{} ({})\n  {}\n", item.name, item.kind, item.summary);
  for (const auto& [key, value] : item.facts) text += fmt::format("  {:8} {}\n", key + ":", value);
  if (item.options.empty()) return text + "\nIt has no options.\n";
  Table table;
  for (const char* header : {"  option", "default", "expected", "meaning"})
    table.add_column(header, Align::left);
  for (const Option& option : item.options) {
    table.add_row({"  " + option.name, text_of(option), expected(option), option.help});
  }
  return text + "\n" + table.text();
}

std::string describe_json(const std::string& name) { return json_of(find(name)).dump(2) + "\n"; }

}  // namespace seqbench
