// What there is to name in a spec: mechanisms, tasks and the sections' options, for people and as JSON.
#pragma once
#include <string>

namespace seqbench {

// `what`: "mechanisms", "tasks" or "" for both.
std::string list_text(const std::string& what);
std::string list_json(const std::string& what);

// Of a mechanism or a task (also as JSON, with options), or one of the sections of a spec: task, model, train, eval,
// measure, grid, select, and budget, which is model.budget. Of a mechanism also the names, shapes and layouts of its
// weights and state. Throws Error with the nearest name.
std::string describe_text(const std::string& name);
std::string describe_json(const std::string& name);

}  // namespace seqbench
