#include "experiment/summary.h"

#include <doctest/doctest.h>

#include "experiment/format.h"
#include "experiment/report_text.h"
#include "experiment/statistics.h"
#include "experiment/table.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// Two mechanisms, two learning rates, two seeds.
struct Scene {
  TemporaryFolder folder;
  Plan plan;
  Results results;

  Scene() {
    Json spec = small_spec();
    spec.update(
        parse_json(R"({"grid": {"model.mixer": ["softmax", "linear"], "train.lr": [0.1, 0.2], "seed": [0, 1]},
                               "select": {"over": ["train.lr"], "by": "valid.accuracy"}})",
                   "test"));
    plan = make_plan({folder.write("small.json", spec.dump())}, {}, "out");
    for (std::size_t i = 0; i < plan.runs.size(); ++i) {
      StoredResult stored;
      const double accuracies[] = {0.5, 0.9, 0.8, 0.8, 0.3, 0.3, 0.9, 0.2};
      stored.result.valid.accuracy = accuracies[i];
      stored.result.valid.loss = 1 - accuracies[i];
      stored.result.test.accuracy = accuracies[i] / 2;
      stored.result.cost.parameters = 1000;
      results.push_back(stored);
    }
  }
  const Experiment& experiment() const { return plan.experiments[0]; }
};

TEST_CASE("seeds go into one group") {
  const Scene scene;
  const auto groups = groups_of(scene.experiment(), scene.results);
  REQUIRE(groups.size() == 4);
  CHECK(groups[1].runs == std::vector<std::size_t>{2, 3});
  CHECK(groups[1].values == std::vector<std::size_t>{0, 1, 0});
  CHECK(groups[1].ok.size() == 2);
}

TEST_CASE("select keeps the best mean on valid for each mechanism") {
  const Scene scene;
  const auto best = selected(scene.experiment(), groups_of(scene.experiment(), scene.results));
  REQUIRE(best.size() == 2);
  CHECK(best[0].runs == std::vector<std::size_t>{2, 3});  // 0.8, 0.8 over 0.5, 0.9
  CHECK(best[1].runs == std::vector<std::size_t>{6, 7});  // 0.9, 0.2 over 0.3, 0.3
}

TEST_CASE("select prefers runs that are ok, and can go by loss") {
  Scene scene;
  scene.results[6]->result.status = Status::diverged;
  scene.plan.experiments[0].grid.select.by = "valid.loss";
  const auto best = selected(scene.experiment(), groups_of(scene.experiment(), scene.results));
  CHECK(best[0].runs == std::vector<std::size_t>{2, 3});
  CHECK(best[1].runs == std::vector<std::size_t>{4, 5});
}

TEST_CASE("the table has a row for each mechanism and a line for each run that went wrong") {
  Scene scene;
  scene.results[2]->result.status = Status::failed;
  scene.results[2]->result.message = "out of paper";
  scene.results[0]->result.status = Status::diverged;
  scene.results[7].reset();
  const std::string text = results_text(scene.plan, scene.results);
  CAPTURE(text);
  CHECK(has(text, "  seed 0: diverged"));  // softmax: one ok each, lr 0.1 with 0.9 on valid
  CHECK(has(text, "lr0.2-seed0"));         // the other one, named below
  CHECK(has(text, "failed: out of paper"));
  CHECK(has(text, "1/2     0/2  0.450 [0.000, 0.000]"));  // the run's own interval
  CHECK(has(text, "0.150 [0.150, 0.150]"));               // linear: 0.3 / 2 on both seeds of lr 0.1
  CHECK(has(text, "train.lr: the best by valid.accuracy"));
}

TEST_CASE("Student's interval, against tables") {
  // Mean 2, deviation 1, n = 3: 4.303 / sqrt(3) = 2.484.
  const Interval three = student_interval({1, 2, 3}, {-100, 100});
  CHECK(three.low == doctest::Approx(2 - 2.4843).epsilon(1e-4));
  CHECK(three.high == doctest::Approx(2 + 2.4843).epsilon(1e-4));
  CHECK(student_interval({1, 2, 3}, {0, 3}).low == 0);
  CHECK(student_interval({1, 2, 3}, {0, 3}).high == 3);
  // n = 41: t(40) = 2.021; deviation of 20 zeros, 20 twos and a one is 1.
  std::vector<double> many(41, 0.0);
  std::fill(many.begin(), many.begin() + 20, 2.0);
  many[40] = 1;
  CHECK(student_interval(many, {-100, 100}).high ==
        doctest::Approx(1 + 2.021 / std::sqrt(41.0)).epsilon(1e-3));
  CHECK(median({5, 1, 3}) == 3);
  CHECK(median({4, 1, 3, 2}) == 2.5);
}

TEST_CASE("numbers are short and keep three digits") {
  CHECK(short_number(0) == "0");
  CHECK(short_number(8) == "8");
  CHECK(short_number(0.123) == "0.12");
  CHECK(short_number(999) == "999");
  CHECK(short_number(999.7) == "1.00k");
  CHECK(short_number(12345) == "12.3k");
  CHECK(short_number(2.5e13) == "25.0T");
  CHECK(short_number(std::nan("")) == "-");
  CHECK(short_bytes(960) == "960 B");
  CHECK(short_bytes(32768) == "32.0 KiB");
  CHECK(short_bytes(1023 * 1024) == "1.00 MiB");
  CHECK(short_duration(0.5) == "0.50 s");
  CHECK(short_duration(59.6) == "1 min 00 s");
  CHECK(short_duration(7384) == "2 h 03 min");
  CHECK(cut("abcdef", 4) == "ab..");
}

TEST_CASE("columns are aligned, headers at the bottom") {
  Table table;
  table.add_column("name", Align::left);
  table.add_column("rate\n@64", Align::right);
  table.add_row({"a", "12345"});
  table.add_line("  a line across all of them");
  table.add_row({"long name", "1"});
  CHECK(table.text() ==
        "            rate\nname         @64\na          12345\n  a line across all of them\nlong name      "
        "1\n");
}

}  // namespace
}  // namespace seqbench
