#include "experiment/task_example.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/error.h"

namespace seqbench {
namespace {

constexpr std::int64_t kExamples = 2;
constexpr std::int64_t kCounted = 512;  // examples of which labels are counted
constexpr std::size_t kAllLabels = 12;  // so many are all shown,
constexpr std::size_t kSomeLabels = 3;  // of more the most frequent
constexpr std::size_t kWidth = 110;

std::string rows_of(const Task& task, const Sample& sample) {
  std::size_t column = 0;
  for (std::size_t t = 0; t < sample.tokens.size(); ++t) {
    column = std::max(column, task.spelled(sample.tokens[t]).size());
    if (sample.labels[t] != kIgnore) column = std::max(column, task.spelled(sample.labels[t]).size());
  }
  const std::size_t in_a_row = std::max<std::size_t>(1, (kWidth - 10) / (column + 1));
  std::string text;
  for (std::size_t first = 0; first < sample.tokens.size(); first += in_a_row) {
    std::string tokens = "  tokens  ";
    std::string answers = "  answers ";
    bool any = false;
    for (std::size_t t = first; t < std::min(first + in_a_row, sample.tokens.size()); ++t) {
      const bool asked = sample.labels[t] != kIgnore;
      any = any || asked;
      tokens += fmt::format("{:>{}} ", task.spelled(sample.tokens[t]), column);
      answers += fmt::format("{:>{}} ", asked ? task.spelled(sample.labels[t]) : "", column);
    }
    text += tokens.substr(0, tokens.find_last_not_of(' ') + 1) + "\n";
    if (any) text += answers.substr(0, answers.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

std::string heading(const Sample& sample, std::int64_t index) {
  Texts facts = {fmt::format("length {}", sample.tokens.size())};
  for (const Slice& slice : sample.slices) facts.push_back(fmt::format("{} {}", slice.by, slice.value));
  return fmt::format("test example {}: {}\n", index, fmt::join(facts, ", "));
}

std::string chance_text(const Chance& chance) {
  std::string text = fmt::format("{:.3g} guessing among all answers", chance.uniform);
  if (chance.in_context)
    text += fmt::format(", {:.3g} among those that stand in the sequence", *chance.in_context);
  if (chance.exact) text += fmt::format(", {:.3g} for all of an example", *chance.exact);
  return text;
}

std::string histogram_text(const Task& task) {
  std::map<std::int32_t, std::int64_t> counts;
  std::int64_t labels = 0;
  std::int64_t tokens = 0;
  for (std::int64_t i = 0; i < kCounted; ++i) {
    const Sample sample = task.sample(Split::train, i);
    tokens += std::ssize(sample.tokens);
    for (const std::int32_t label : sample.labels) {
      if (label == kIgnore) continue;
      ++counts[label];
      ++labels;
    }
  }
  std::vector<std::pair<std::int64_t, std::int32_t>> sorted;
  for (const auto& [label, count] : counts) sorted.emplace_back(-count, label);
  std::ranges::sort(sorted);
  const bool all = sorted.size() <= kAllLabels;
  Texts shares;
  for (std::size_t i = 0; i < (all ? sorted.size() : kSomeLabels); ++i) {
    shares.push_back(
        fmt::format("{} {:.2f}%", task.spelled(sorted[i].second),
                    -100.0 * static_cast<double>(sorted[i].first) / static_cast<double>(labels)));
  }
  return fmt::format("{} of {} positions in {} examples, {} different: {}{}", labels, tokens, kCounted,
                     sorted.size(), all ? "" : "most often ", fmt::join(shares, ", "));
}

}  // namespace

std::string example_text(const RunSpec& spec) {
  const std::unique_ptr<Task> task = make_task(spec);
  std::string text;
  for (std::int64_t i = 0; i < kExamples; ++i) {
    const Sample sample = task->sample(Split::test, i);
    text += (i > 0 ? "\n" : "") + heading(sample, i) + rows_of(*task, sample);
  }
  return text;
}

std::vector<std::pair<std::string, std::string>> label_facts(const RunSpec& spec) try {
  const std::unique_ptr<Task> task = make_task(spec);
  return {{"chance", chance_text(task->chance())}, {"labels", histogram_text(*task)}};
} catch (const Error&) {
  return {};
}

}  // namespace seqbench
