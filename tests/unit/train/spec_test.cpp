#include "train/spec.h"

#include <doctest/doctest.h>

#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

RunSpec spec_of(const std::string& task, const std::map<std::string, Value>& options,
                const Integers& lengths) {
  RunSpec spec;
  spec.task = &tasks().find(task, "task.name");
  spec.task_options = Options(spec.task->options, options, "task");
  spec.eval = Options(eval_options(), {{"lengths", lengths}}, "eval");
  return spec;
}

TEST_CASE("further tests: other lengths in order, then settings; a task of many lengths is tested at one") {
  RunSpec spec = spec_of("mqar", {}, {256, 64, 128, 128});
  spec.settings = {{.options = {{"pairs", std::int64_t{2}}}, .path = "eval.settings[0]"}};
  const auto tests = further_tests(spec);
  REQUIRE(tests.size() == 4);
  CHECK(make_task(spec, tests[0])->length() == 64);
  CHECK(tests[0].path == kOwnLength);
  CHECK(make_task(spec, tests[1])->length() == 128);
  CHECK(make_task(spec, tests[2])->length() == 256);
  CHECK(make_task(spec, tests[3])->sample(Split::test, 0).slices.at(0).value == 2);
  // Beside other lengths it stands even where it was not asked for, and alone it does not.
  CHECK(further_tests(spec_of("mqar", {}, {128})).size() == 2);
  CHECK(further_tests(spec_of("mqar", {}, {})).empty());

  const RunSpec parity = spec_of("parity", {}, {40, 100});
  const auto lengths = further_tests(parity);
  REQUIRE(lengths.size() == 2);
  for (std::int64_t i = 0; i < 50; ++i) {
    CHECK(make_task(parity, lengths[0])->sample(Split::test, i).tokens.size() == 40);
    CHECK(make_task(parity, lengths[1])->sample(Split::test, i).tokens.size() == 100);
  }
  for (const TaskSetting& test : lengths) CHECK(test.path == "eval.lengths");
  RunSpec both = parity;
  both.settings = {{.options = {{"length", std::int64_t{100}}}, .path = "eval.settings[0]"}};
  CHECK(further_tests(both)[2].options.at("min_length") == Value(std::int64_t{3}));  // no test at 100
}

TEST_CASE("a mix is what is trained on; its parts start from the task's own options") {
  RunSpec spec = spec_of("mqar", {{"vocab_size", std::int64_t{128}}}, {});
  spec.mix = {{.options = {{"length", std::int64_t{32}}, {"pairs", std::int64_t{2}}},
               .weight = 3,
               .path = "task.mix[0]"},
              {.options = {{"pairs", std::int64_t{16}}}, .weight = 1, .path = "task.mix[1]"}};
  const auto task = make_task(spec);
  CHECK(task->vocab_size() == 128);
  CHECK(task->length() == 64);
  std::int64_t short_ones = 0;
  for (std::int64_t i = 0; i < 400; ++i)
    short_ones += task->sample(Split::train, i).tokens.size() == 32 ? 1 : 0;
  CHECK((short_ones > 250 && short_ones < 350));
}

}  // namespace
}  // namespace seqbench::test
