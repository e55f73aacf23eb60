// Tasks as a spec makes them, and files for those that read some.
#pragma once
#include <doctest/doctest.h>

#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "task/task.h"
#include "unit/folder.h"

namespace seqbench {

using Given = std::map<std::string, Value>;

inline std::unique_ptr<Task> make_task(const std::string& name, const Given& given, std::uint64_t seed = 0) {
  const TaskEntry& entry = tasks().find(name, "task");
  return entry.make(Options(entry.options, given, "task"), seed);
}

// The message of the Error that making the task ends in; fails the test when there is none.
inline std::string refusal(const std::string& name, const Given& given) {
  try {
    make_task(name, given);
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("made without an error");
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// `size` bytes, uniform over `letters` different ones from 'a' on.
inline std::string random_text(std::int64_t size, std::uint64_t letters = 26, std::uint64_t seed = 1) {
  Random random(seed, "test.text");
  std::string text;
  for (std::int64_t i = 0; i < size; ++i)
    text += static_cast<char>('a' + static_cast<char>(random.below(letters)));
  return text;
}

}  // namespace seqbench
