// From the JSON of a spec to what a run needs, and back. A spec here has no grid and no select: see
// experiment/grid.h.
#pragma once
#include <map>
#include <string>

#include "base/json.h"
#include "train/spec.h"

namespace seqbench {

constexpr int kSchema = 1;  // of specs and of results

// The keys a spec may have at its top.
const Texts& spec_keys();

// Options by name.
Json settings_json(const std::map<std::string, Value>& settings);

// Throws Error with the path of a text or key that holds NUL: names of files and messages would end there.
void refuse_nul(const Json& json, const std::string& path);

// Throws Error with the dotted path, what was expected and what was given. Does not check that the parts fit
// each other: that is check() of train/run.h.
RunSpec resolve(const Json& spec);

// A task as a shell argument: its name, or the object that "task" would be. Only what concerns the task is
// filled in.
RunSpec parse_task(const std::string& text, const std::string& path);

// A mechanism as a shell argument: its name, or the object that model.mixer would be. Throws Error naming
// `path`.
MixerSpec parse_mixer(const std::string& text, const std::string& path);

// A mechanism by its name and the JSON object of its options.
MixerSpec parse_mixer(const std::string& name, const std::string& options, const std::string& path);

// The other way round, quoted for a shell; `settings` are the options that are not at their defaults.
std::string mixer_argument(const std::string& name, const std::map<std::string, Value>& settings);
std::map<std::string, Value> given_settings(const MixerSpec& mixer);

// As in a resolved spec: the name and every option.
Json mixer_json(const MixerSpec& mixer);

// The whole spec with every default filled in, in the order of the declarations; resolve() of it gives the
// same run.
Json resolved_json(const std::string& name, const RunSpec& spec);

// Of a resolved spec, what a trained model depends on: all but "eval" and "measure".
Json training_json(const Json& resolved);

// The name a spec gives itself, or `stem` made safe for a folder. Throws Error for a name that is not safe,
// and for either above 255 bytes.
std::string spec_name(const Json& spec, const std::string& stem);

// `text` with every character but letters, digits and ._+- replaced by '-', and none of .- in front.
std::string slug(const std::string& text);

// "softmax", or "softmax+linear" for a pattern of layers.
std::string mechanism_of(const ModelSpec& model);

}  // namespace seqbench
