#include "task/task.h"

#include <algorithm>

#include "base/error.h"

namespace seqbench {

const char* name_of(Split split) {
  switch (split) {
    case Split::train:
      return "train";
    case Split::valid:
      return "valid";
    case Split::test:
      return "test";
  }
  return "";
}

void TaskRegistry::add(TaskEntry entry) { entries_.push_back(std::move(entry)); }

const TaskEntry& TaskRegistry::find(const std::string& name, const std::string& path) const {
  const auto found = std::ranges::find(entries_, name, &TaskEntry::name);
  if (found != entries_.end()) return *found;
  Texts names;
  for (const TaskEntry& entry : entries_) names.push_back(entry.name);
  throw Error(unknown_name("task", name, path, names));
}

}  // namespace seqbench
