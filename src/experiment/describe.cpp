#include "experiment/describe.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "experiment/budget.h"
#include "experiment/grid.h"
#include "experiment/spec.h"
#include "experiment/table.h"
#include "experiment/task_example.h"
#include "experiment/tensor_list.h"
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
  OptionList options = {};
  std::vector<ListedLayer> layers = {};  // of a mechanism: its weights and state
  std::string example = {};              // JSON
  bool has_defaults = true;
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

Item task_section() {
  Texts names;
  for (const TaskEntry& entry : tasks().all()) names.push_back(entry.name);
  return {.kind = "section",
          .name = "task",
          .summary = "where tokens and labels come from",
          .facts = {{"name", fmt::format("required, one of: {}", fmt::join(names, ", "))},
                    {"others", "options of that task: \"seqbench describe mqar\" shows those of mqar"},
                    {"mix", "settings trained on together: a list of objects of its options, each with a weight"}},
          .example = R"({"task": {"name": "mqar", "length": 64, "mix": [{"pairs": 4}, {"pairs": 8, "weight": 2}]}})"};
}

Item grid_section() {
  return {.kind = "section",
          .name = "grid",
          .summary = "paths, each with the list of values it takes; the runs are the product",
          .facts = {{"paths", fmt::format("{}, or below: train.lr, model.mixer, task.pairs",
                                          fmt::join(axis_roots(), ", "))},
                    {"order", "the last path moves fastest; a path stands behind those that it is below"},
                    {"not", "eval and measure, which train no other model: one run is tested on all they ask for"}},
          .example = R"({"grid": {"model.mixer": ["softmax", "linear"], "train.lr": [1e-3, 3e-3], "seed": [0, 1]}})"};
}

Item select_section() {
  return {.kind = "section",
          .name = "select",
          .summary = "of which paths of the grid the table shows the best value alone",
          .facts = {{"needs", "over and by, and a grid with those paths (not seed, not task)"}},
          .options = select_options(),
          .example = R"({"grid": {"train.lr": [1e-3, 3e-3]}, "select": {"over": ["train.lr"], "by": "valid.accuracy"}})",
          .has_defaults = false};
}

Item budget_section() {
  return {.kind = "section",
          .name = "budget",
          .summary = "models of equal size: model.budget finds the width",
          .facts = {{"needs", "parameters, or state_bytes and at"}},
          .options = budget_options(),
          .example = R"({"model": {"mixer": "softmax", "ffn": 128, "budget": {"parameters": 100000}}})",
          .has_defaults = false};
}

std::vector<Item> sections() {
  return {task_section(),
          {"section", "model", "the model around the mechanism, which is model.mixer", {}, model_options()},
          {"section", "train", "how the model is trained", {}, train_options()},
          {"section", "eval", "how the model is scored", {}, eval_options()},
          {"section", "measure", "what is measured of its cost", {}, measure_options()},
          grid_section(),
          select_section(),
          budget_section()};
}

Item mechanism_item(const std::string& text) {
  const MixerSpec mixer = parse_mixer(text, "describe");
  Item item = item_of(mechanisms().find(mixer.name, mixer.path));
  item.layers = list_tensors(mixer);
  return item;
}

bool is_mechanism(const std::string& name) {
  return std::ranges::find(mechanisms().all(), name, &MechanismEntry::name) != mechanisms().all().end();
}

// Of a task or a mechanism as the object that a spec would hold.
Item item_of_object(const std::string& text) {
  const Json object = parse_json(text, "describe");
  const bool named = object.is_object() && object.contains("name") && object["name"].is_string();
  if (named && is_mechanism(object["name"].get<std::string>())) return mechanism_item(text);
  return task_item(parse_task(text, "describe"));
}

Item find(const std::string& name) {
  if (name.starts_with("{")) return item_of_object(name);
  if (is_mechanism(name)) return mechanism_item(name);
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

Json json_of(const std::vector<ListedTensor>& tensors) {
  Json all = Json::array();
  for (const ListedTensor& tensor : tensors) {
    Json example = Json::array();
    for (int i = 0; i < tensor.shape.rank(); ++i) example.push_back(tensor.shape[i]);
    all.push_back(
        {{"name", tensor.name}, {"shape", tensor.dims}, {"example", example}, {"layout", tensor.layout}});
  }
  return all;
}

Json json_of(const Item& item) {
  Json json = {{"kind", item.kind}, {"name", item.name}, {"summary", item.summary}};
  for (const auto& [key, value] : item.facts) json[key] = value;
  json["options"] = Json::array();
  for (const Option& option : item.options) {
    json["options"].push_back(json_of(option));
    if (!item.has_defaults) json["options"].back()["default"] = nullptr;
  }
  for (const ListedLayer& layer : item.layers) {
    json["layers"].push_back(
        {{"width", layer.width}, {"weights", json_of(layer.weights)}, {"state", json_of(layer.state)}});
  }
  if (!item.example.empty()) json["example"] = parse_json(item.example, "example");
  return json;
}

std::string default_text(const Item& item, const Option& option) {
  if (!item.has_defaults) return "none";
  const std::string text = to_text(option.default_value);
  return text.empty() ? "\"\"" : text;
}

void add_rows(Table& table, const std::string& prefix, const std::vector<ListedTensor>& tensors) {
  for (const ListedTensor& tensor : tensors) {
    table.add_row({"  " + prefix + tensor.name, fmt::format("[{}]", fmt::join(tensor.dims, ", ")),
                   to_text(tensor.shape), tensor.layout});
  }
}

std::string tensors_text(const std::vector<ListedLayer>& layers) {
  std::string text;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Table table;
    table.add_column(layers.size() == 1 ? "  weights, state" : fmt::format("  kind {} of layer", i + 1),
                     Align::left);
    table.add_column("shape", Align::left);
    table.add_column(fmt::format("at D = {}", layers[i].width), Align::left);
    table.add_column("holds", Align::left);
    add_rows(table, "", layers[i].weights);
    add_rows(table, "state.", layers[i].state);
    text += "\n" + table.text();
  }
  return text +
         "  D: model.width; B: sequences; L: tokens in a cache; n: not a polynomial in D. Matrices are "
         "[in, out]: a row x becomes x W.\n";
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
  Texts names;
  for (const Item& section : sections()) names.push_back(section.name);
  return text + fmt::format("\n\"seqbench describe NAME\" shows the options of one; sections of a spec: {}.\n",
                            fmt::join(names, ", "));
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
  if (!item.example.empty()) text += fmt::format("  {:8} {}\n", "example:", item.example);
  if (item.options.empty() && item.kind != "section") text += "\nIt has no options.\n";
  Table table;
  for (const char* header : {"  option", "default", "expected", "meaning"})
    table.add_column(header, Align::left);
  for (const Option& option : item.options) {
    table.add_row({"  " + option.name, default_text(item, option), expected(option), option.help});
  }
  if (!item.options.empty()) text += "\n" + table.text();
  return item.layers.empty() ? text : text + tensors_text(item.layers);
}

std::string describe_json(const std::string& name) { return json_of(find(name)).dump(2) + "\n"; }

}  // namespace seqbench
