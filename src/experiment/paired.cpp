#include "experiment/paired.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "experiment/format.h"
#include "experiment/slice_text.h"
#include "experiment/spec.h"
#include "experiment/statistics.h"
#include "experiment/table.h"

namespace seqbench {
namespace {

// By the order of Evaluator::test().
std::string name_of_test(const Tested& tested, std::size_t test) {
  return test == 0 ? "the task's own" : name_of(tested.result.settings[test - 1]);
}

struct Pairs {
  std::size_t both = 0, only_a = 0, only_b = 0, neither = 0;
  Comparison loss;
};

Pairs pairs_of(const ExampleScores& a, const ExampleScores& b) {
  Pairs pairs;
  std::vector<double> left, right;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++(a[i].exact() ? (b[i].exact() ? pairs.both : pairs.only_a)
                    : (b[i].exact() ? pairs.only_b : pairs.neither));
    left.push_back(a[i].loss);
    right.push_back(b[i].loss);
  }
  if (a.size() > 1) pairs.loss = compare_paired(left, right);
  return pairs;
}

std::string p_text(double p) { return p < 0.001 ? "<0.001" : fmt::format("{:.3f}", p); }

}  // namespace

void check_paired(const TrainedModel& a, const TrainedModel& b) {
  fail_if(a.spec.seed != b.spec.seed,
          "--paired: seeds {} and {} draw other examples; test both on those of one: --set seed={}.",
          a.spec.seed, b.spec.seed, a.spec.seed);
  const Json left = resolved_json("", a.spec), right = resolved_json("", b.spec);
  for (const char* section : {"task", "eval"}) {
    for (const auto& [key, value] : left.at(section).items()) {
      const Json& other = right.at(section).contains(key) ? right.at(section).at(key) : Json();
      fail_if(value != other, "--paired: {}.{} is {} in {} and {} in {}; set it the same for both.", section,
              key, value.dump(), a.file.string(), other.dump(), b.file.string());
    }
  }
  fail_if(a.task->data_id() != b.task->data_id(), "--paired: the texts of the two are not the same.");
}

std::string paired_text(const Tested& a, const Tested& b) {
  std::vector<Pairs> tests;
  std::vector<std::size_t> places;
  std::vector<double> exact, loss;
  for (std::size_t i = 0; i < a.examples.size(); ++i) {
    if (a.examples[i].empty()) continue;
    places.push_back(i);
    tests.push_back(pairs_of(a.examples[i], b.examples[i]));
    exact.push_back(mcnemar_p(tests.back().only_a, tests.back().only_b));
    loss.push_back(tests.back().loss.p);
  }
  exact = holm(exact);
  loss = holm(loss);
  Table table;
  table.add_column("test", Align::left);
  for (const char* header :
       {"examples", "both\nright", "only A", "only B", "neither", "p", "loss B - A [95%]", "p"})
    table.add_column(header, Align::right);
  for (std::size_t i = 0; i < tests.size(); ++i) {
    const Pairs& t = tests[i];
    table.add_row({name_of_test(a, places[i]), std::to_string(a.examples[places[i]].size()), std::to_string(t.both),
                   std::to_string(t.only_a), std::to_string(t.only_b), std::to_string(t.neither),
                   p_text(exact[i]),
                   fmt::format("{:+.4f} [{:+.4f}, {:+.4f}]", t.loss.difference, t.loss.interval.low,
                               t.loss.interval.high),
                   p_text(loss[i])});
  }
  return fmt::format(
      "A: {}\nB: {}\n{}  right: every label of the example. p: McNemar's exact test, and the paired t test "
      "of the "
      "examples' losses;\n  each corrected for {} test{} (Holm). They tell of these two models, not of other "
      "seeds.\n",
      a.name, b.name, table.text(kWidestLabel), tests.size(), tests.size() == 1 ? "" : "s");
}

std::string examples_jsonl(const Tested& tested) {
  std::string lines;
  for (std::size_t test = 0; test < tested.examples.size(); ++test) {
    for (const ExampleScore& example : tested.examples[test]) {
      const Json json = {{"run", tested.name},       {"test", name_of_test(tested, test)},
                         {"index", example.index},   {"tokens", example.tokens},
                         {"labels", example.labels}, {"correct", example.correct},
                         {"exact", example.exact()}, {"loss", example.loss}};
      lines += json.dump() + "\n";
    }
  }
  return lines;
}

}  // namespace seqbench
