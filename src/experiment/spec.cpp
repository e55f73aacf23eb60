#include "experiment/spec.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "mechanism/mechanism.h"

namespace seqbench {
namespace {

// 1e3 is an integer to a person, and to JSON Schema. Beyond 2^53 a double no longer says which one.
std::optional<std::int64_t> integer_of(const Json& json) {
  if (json.is_number_unsigned()) {
    const auto value = json.get<std::uint64_t>();
    if (value <= std::numeric_limits<std::int64_t>::max()) return static_cast<std::int64_t>(value);
  } else if (json.is_number_integer()) {
    return json.get<std::int64_t>();
  } else if (json.is_number_float()) {
    const auto value = json.get<double>();
    if (std::trunc(value) == value && std::abs(value) <= 0x1p53) return static_cast<std::int64_t>(value);
  }
  return std::nullopt;
}

std::optional<Value> list_of(const Json& json) {
  if (!json.empty() && std::ranges::all_of(json, [](const Json& v) { return v.is_string(); })) {
    return json.get<Texts>();
  }
  Integers integers;
  for (const Json& element : json) {
    const auto value = integer_of(element);
    if (!value) return std::nullopt;
    integers.push_back(*value);
  }
  return integers;
}

// None for what no Value holds: null, objects, mixed lists, integers beyond 64 bits.
std::optional<Value> value_of(const Json& json, const Option& option) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) return list_of(json);
  if (json.is_number_float() && std::holds_alternative<double>(option.default_value))
    return json.get<double>();
  if (const auto integer = integer_of(json)) return *integer;
  if (json.is_number_float()) return json.get<double>();
  return std::nullopt;
}

Json json_of(const Value& value) {
  return std::visit([](const auto& v) { return Json(v); }, value);
}

Texts names_of(const OptionList& declared) {
  Texts names;
  for (const Option& option : declared) names.push_back(option.name);
  return names;
}

void expect_object(const Json& json, const std::string& path) {
  fail_if(!json.is_object(), "{}: expected an object, got {}.", path, shown(json));
}

// What `object` gives of the declared options; its keys `own` are not among them. Checked.
std::map<std::string, Value> given_options(const Json& object, const OptionList& declared,
                                           const std::string& path, const Texts& own) {
  expect_object(object, path);
  Texts known = own;
  for (const std::string& name : names_of(declared)) known.push_back(name);
  std::map<std::string, Value> given;
  for (const auto& [key, json] : object.items()) {
    fail_if(std::ranges::find(known, key) == known.end(), "{}", unknown_name("key", key, path, known));
    if (std::ranges::find(own, key) != own.end()) continue;
    const Option& option = *std::ranges::find(declared, key, &Option::name);
    const auto value = value_of(json, option);
    fail_if(!value, "{}.{}: expected {}, got {}.", path, key, expected(option), shown(json));
    given.emplace(key, *value);
  }
  const Options checked(declared, given, path);
  return given;
}

Options options_of(const Json& object, const OptionList& declared, const std::string& path,
                   const Texts& own) {
  return Options(declared, given_options(object, declared, path, own), path);
}

// A list of what differs from the task's options: "mix" (`weighted`) or "settings".
std::vector<TaskSetting> settings_of(const Json& object, const char* key, const std::string& path,
                                     const TaskEntry& task, bool weighted) {
  if (!object.contains(key)) return {};
  const Json& list = object.at(key);
  fail_if(!list.is_array(), "{}: expected a list of objects with options of {}, got {}.", path, task.name,
          shown(list));
  std::vector<TaskSetting> settings;
  for (std::size_t i = 0; i < list.size(); ++i) {
    TaskSetting setting{.options = {}, .path = fmt::format("{}[{}]", path, i)};
    setting.options =
        given_options(list[i], task.options, setting.path, weighted ? Texts{"weight"} : Texts{});
    if (list[i].contains("weight")) {
      const Json& weight = list[i].at("weight");
      fail_if(!weight.is_number() || weight.get<double>() <= 0 || weight.get<double>() > 1e9,
              "{}.weight: expected a number above 0, got {}.", setting.path, shown(weight));
      setting.weight = weight.get<double>();
    }
    settings.push_back(std::move(setting));
  }
  return settings;
}

Json json_of(const std::vector<TaskSetting>& settings, bool weighted) {
  Json list = Json::array();
  for (const TaskSetting& setting : settings) {
    Json object = Json::object();
    if (weighted) object["weight"] = setting.weight;
    object.update(settings_json(setting.options));
    list.push_back(std::move(object));
  }
  return list;
}

const Json& section(const Json& spec, const char* key) {
  static const Json empty = Json::object();
  return spec.contains(key) ? spec.at(key) : empty;
}

template <class Registry>
std::string all_names(const Registry& registry) {
  Texts names;
  for (const auto& entry : registry.all()) names.push_back(entry.name);
  return fmt::format("{}", fmt::join(names, ", "));
}

// The "name" of a task or a mechanism; `known` are the names there are.
std::string name_in(const Json& object, const std::string& path, const std::string& known) {
  expect_object(object, path);
  fail_if(!object.contains("name"), "{}.name: missing; expected one of: {}.", path, known);
  const Json& name = object.at("name");
  fail_if(!name.is_string(), "{}.name: expected one of: {}; got {}.", path, known, shown(name));
  return name.get<std::string>();
}

MixerSpec mixer_of(const Json& json, const std::string& path) {
  const std::string known = all_names(mechanisms());
  fail_if(!json.is_string() && !json.is_object(),
          "{}: expected the name of a mechanism, an object with a name, or a list of these; got {}. "
          "Mechanisms: {}.",
          path, shown(json), known);
  const Json object = json.is_string() ? Json{{"name", json}} : json;
  const MechanismEntry& entry =
      mechanisms().find(name_in(object, path, known), json.is_string() ? path : path + ".name");
  return {entry.name, options_of(object, entry.options, path, {"name"}), path};
}

std::vector<MixerSpec> mixers_of(const Json& model) {
  fail_if(!model.contains("mixer"), "model.mixer: missing; expected the name of a mechanism: {}.",
          all_names(mechanisms()));
  const Json& mixer = model.at("mixer");
  if (!mixer.is_array()) return {mixer_of(mixer, "model.mixer")};
  fail_if(mixer.empty(), "model.mixer: expected at least one mechanism, got an empty list.");
  std::vector<MixerSpec> mixers;
  for (std::size_t i = 0; i < mixer.size(); ++i) {
    mixers.push_back(mixer_of(mixer[i], fmt::format("model.mixer[{}]", i)));
  }
  return mixers;
}

RunSpec task_of(const Json& json, const std::string& path) {
  RunSpec run;
  run.task = &tasks().find(name_in(json, path, all_names(tasks())), path + ".name");
  run.task_options = options_of(json, run.task->options, path, {"name", "mix"});
  run.mix = settings_of(json, "mix", path + ".mix", *run.task, true);
  return run;
}

std::uint64_t seed_of(const Json& spec) {
  if (!spec.contains("seed")) return 0;
  const auto seed = integer_of(spec.at("seed"));
  fail_if(!seed || *seed < 0,
          "seed: expected an integer of at least 0, got {}. Several seeds go into \"grid\": {{\"seed\": [0, "
          "1, 2]}}.",
          shown(spec.at("seed")));
  return static_cast<std::uint64_t>(*seed);
}

void add_options(Json& object, const OptionList& declared, const Options& options) {
  for (const Option& option : declared)
    object[option.name] = json_of(options.all().find(option.name)->second);
}

bool safe(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '+' || c == '-';
}

}  // namespace

Json settings_json(const std::map<std::string, Value>& settings) {
  Json object = Json::object();
  for (const auto& [option, value] : settings) object[option] = json_of(value);
  return object;
}

const Texts& spec_keys() {
  static const Texts keys = {"$schema", "schema",  "name", "task", "model", "train",
                             "eval",    "measure", "seed", "grid", "select"};
  return keys;
}

void refuse_nul(const Json& json, const std::string& path) {
  const auto check = [&](const std::string& text) {
    fail_if(text.find('\0') != std::string::npos,
            "{}: {} holds the character \\u0000, at which names of files end; take it out.", path,
            shown(Json(text)));
  };
  if (json.is_string()) check(json.get_ref<const std::string&>());
  if (!json.is_structured()) return;
  for (const auto& [key, value] : json.items()) {
    if (json.is_object()) check(key);
    refuse_nul(value, json.is_array() ? fmt::format("{}[{}]", path, key) : fmt::format("{}.{}", path, key));
  }
}

RunSpec resolve(const Json& spec) {
  refuse_nul(spec, "the spec");
  expect_object(spec, "the spec");
  for (const auto& [key, value] : spec.items()) {
    fail_if(std::ranges::find(spec_keys(), key) == spec_keys().end(), "{}",
            unknown_name("key", key, "the spec", spec_keys()));
  }
  fail_if(spec.contains("$schema") && !spec.at("$schema").is_string(), "$schema: expected a text, got {}.",
          shown(section(spec, "$schema")));
  const Json schema = spec.contains("schema") ? spec.at("schema") : Json(kSchema);
  fail_if(schema != kSchema, "schema: expected {}, got {}.", kSchema, shown(schema));
  RunSpec run = task_of(section(spec, "task"), "task");
  const Json& model = section(spec, "model");
  run.model.options = options_of(model, model_options(), "model", {"mixer"});
  run.model.mixers = mixers_of(model);
  run.train = options_of(section(spec, "train"), train_options(), "train", {});
  run.eval = options_of(section(spec, "eval"), eval_options(), "eval", {"settings"});
  run.settings = settings_of(section(spec, "eval"), "settings", "eval.settings", *run.task, false);
  run.measure = options_of(section(spec, "measure"), measure_options(), "measure", {});
  run.seed = seed_of(spec);
  return run;
}

RunSpec parse_task(const std::string& text, const std::string& path) {
  const Json json = text.starts_with("{") ? parse_json(text, path) : Json{{"name", text}};
  refuse_nul(json, path);
  return task_of(json, path);
}

MixerSpec parse_mixer(const std::string& text, const std::string& path) {
  const Json json = text.starts_with("{") ? parse_json(text, path) : Json(text);
  refuse_nul(json, path);
  return mixer_of(json, path);
}

MixerSpec parse_mixer(const std::string& name, const std::string& options, const std::string& path) {
  Json object = parse_json(options, path + " --options");
  refuse_nul(object, path + " --options");
  expect_object(object, path + " --options");
  fail_if(object.contains("name"), "{} --options: holds a name; expected options of {}.", path, name);
  object["name"] = name;
  return mixer_of(object, path);
}

std::string mixer_argument(const std::string& name, const std::map<std::string, Value>& settings) {
  if (settings.empty()) return name;
  Json object = {{"name", name}};
  object.update(settings_json(settings));
  return "'" + object.dump() + "'";
}

std::map<std::string, Value> given_settings(const MixerSpec& mixer) {
  std::map<std::string, Value> settings;
  for (const Option& option : mechanisms().find(mixer.name, mixer.path).options) {
    const Value& value = mixer.options.all().find(option.name)->second;
    if (value != option.default_value) settings[option.name] = value;
  }
  return settings;
}

Json mixer_json(const MixerSpec& mixer) {
  Json object = {{"name", mixer.name}};
  add_options(object, mechanisms().find(mixer.name, mixer.path).options, mixer.options);
  return object;
}

Json resolved_json(const std::string& name, const RunSpec& spec) {
  Json json = {{"schema", kSchema}, {"name", name}};
  json["task"] = {{"name", spec.task->name}};
  add_options(json["task"], spec.task->options, spec.task_options);
  json["task"]["mix"] = json_of(spec.mix, true);
  add_options(json["model"], model_options(), spec.model.options);
  Json mixers = Json::array();
  for (const MixerSpec& mixer : spec.model.mixers) mixers.push_back(mixer_json(mixer));
  json["model"]["mixer"] = mixers.size() == 1 ? mixers[0] : mixers;
  add_options(json["train"], train_options(), spec.train);
  json["train"].erase(kCheckpointSeconds);
  add_options(json["eval"], eval_options(), spec.eval);
  json["eval"]["settings"] = json_of(spec.settings, false);
  add_options(json["measure"], measure_options(), spec.measure);
  json["seed"] = spec.seed;
  return json;
}

Json training_json(const Json& resolved) {
  Json training = resolved;
  training.erase("eval");
  training.erase("measure");
  return training;
}

std::string slug(const std::string& text) {
  std::string made;
  for (const char c : text) made += safe(c) ? c : '-';
  made.erase(0, std::min(made.size(), made.find_first_not_of(".-")));
  return made;
}

std::string spec_name(const Json& spec, const std::string& stem) {
  constexpr std::size_t kLongest = 255;  // of a folder's name, in bytes
  if (!spec.is_object() || !spec.contains("name")) {
    fail_if(stem.size() > kLongest,
            "the file's name, which names a folder: expected at most {} bytes, got {}; give the spec a \"name\".",
            kLongest, stem.size());
    return slug(stem).empty() ? "spec" : slug(stem);
  }
  const Json& name = spec.at("name");
  fail_if(!name.is_string() || name.get<std::string>().empty() ||
              slug(name.get<std::string>()) != name.get<std::string>(),
          "name: expected letters, digits and ._+- (it names a folder), not starting with . or -; got {}.",
          shown(name));
  fail_if(name.get<std::string>().size() > kLongest,
          "name: expected at most {} characters (it names a folder), got {}.", kLongest,
          name.get<std::string>().size());
  return name.get<std::string>();
}

std::string mechanism_of(const ModelSpec& model) {
  Texts names;
  for (const MixerSpec& mixer : model.mixers) names.push_back(mixer.name);
  return fmt::format("{}", fmt::join(names, "+"));
}

}  // namespace seqbench
