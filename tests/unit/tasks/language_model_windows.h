// The held-out parts of a language model's text, as its windows read them.
#pragma once
#include <algorithm>

#include "unit/tasks/make_task.h"

namespace seqbench {

inline Given given(const Texts& files, std::int64_t length) { return {{"files", files}, {"length", length}}; }

// The tokens of a part, put together from its windows: checks that labels are the tokens after, that each
// token but the first is a label exactly once with at least `context` tokens read, and that nothing is
// padding.
inline std::vector<std::int32_t> read_tokens(const Task& task, Split split, std::int64_t context = 1) {
  std::vector<std::int32_t> text;
  for (std::int64_t w = 0; w < task.examples(split); ++w) {
    const Sample sample = task.sample(split, w);
    REQUIRE(sample.labels.size() == sample.tokens.size());
    REQUIRE(std::ssize(sample.tokens) <= task.length());
    CHECK((std::ssize(sample.tokens) == task.length() || w + 1 == task.examples(split)));
    CHECK(sample.labels.back() != kIgnore);
    if (w == 0) text.push_back(sample.tokens[0]);
    for (std::int64_t t = 0; t < std::ssize(sample.tokens); ++t) {
      const auto at = static_cast<std::size_t>(t);
      if (sample.labels[at] == kIgnore) continue;
      CHECK((w == 0 || t + 1 >= context));
      REQUIRE(std::ssize(text) > t);
      // What has been read are the last tokens of the text so far.
      CHECK(std::equal(sample.tokens.begin(), sample.tokens.begin() + t + 1, text.end() - t - 1));
      text.push_back(sample.labels[at]);
    }
  }
  return text;
}

inline std::string read_windows(const Task& task, Split split, std::int64_t context = 1) {
  return task.tokenizer()->decode(read_tokens(task, split, context));
}

}  // namespace seqbench
