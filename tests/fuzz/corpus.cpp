#include <algorithm>
#include <map>
#include <string>

#include "base/error.h"
#include "fuzz/parts.h"
#include "fuzz/targets.h"
#include "task/task.h"

namespace seqbench::fuzz {
namespace {

void look_at(const Task& task) {
  for (const Split split : {Split::train, Split::valid, Split::test}) {
    const std::int64_t examples = split == Split::train ? 4 : task.examples(split);
    for (std::int64_t i = 0; i < examples; ++i) {
      const Sample sample = task.sample(split, i);
      expect(sample.tokens.size() == sample.labels.size(), "each token has a label");
      expect(std::ssize(sample.tokens) <= task.length(), "no example is longer than the task");
      for (const std::int32_t token : sample.tokens)
        expect(token >= 0 && token < task.vocab_size(), "tokens are of the vocabulary");
    }
  }
}

}  // namespace

// Four bytes are options, and the size of each file but the last.
void corpus(std::string_view input) {
  const unsigned flags = take_byte(input);
  const auto length = static_cast<std::int64_t>(1 + take_byte(input) % 32);
  const auto stride = static_cast<std::int64_t>(take_byte(input) % 40);
  const std::size_t size = take_byte(input);
  const MemoryFile first(input.substr(0, size));
  const MemoryFile second(input.substr(std::min(size, input.size())));
  std::map<std::string, Value> given = {
      {"files", (flags & 1U) != 0 ? Texts{first.path(), second.path()} : Texts{second.path()}},
      {"vocab", std::string((flags & 2U) != 0 ? "char" : "byte")},
      {"length", length},
      {"stride", stride},
      {"test_fraction", (flags >> 5U) / 8.0}};
  if ((flags & 4U) != 0) given["valid_files"] = Texts{first.path()};
  if ((flags & 8U) != 0) given["test_files"] = Texts{first.path()};
  try {
    const TaskEntry& entry = tasks().find("language_model", "task.name");
    look_at(*entry.make(Options(entry.options, given, "task"), 0));
  } catch (const Error&) {
  }
}

}  // namespace seqbench::fuzz
