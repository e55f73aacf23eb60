#include "report/summary.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "report/metric.h"
#include "report/tables.h"
#include "unit/report/scene.h"

namespace seqbench {
namespace {

TEST_CASE("seeds go into one group, and select keeps the best mean on valid for each mechanism") {
  const Scene scene;
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  const Summary all = summarise("", pointers_to(records), {"mechanism", "train.lr"}, {});
  REQUIRE(all.groups.size() == 4);
  CHECK(all.groups[1].labels == Texts{"softmax", "0.2"});
  CHECK(all.groups[1].ok == Runs{&records[2], &records[3]});
  const Summary best = summarise("", pointers_to(records), {"mechanism"}, {{"train.lr"}, "valid.accuracy"});
  REQUIRE(best.groups.size() == 2);
  CHECK(best.groups[0].runs == Runs{&records[2], &records[3]});  // 0.8, 0.8 over 0.5, 0.9
  CHECK(best.groups[1].runs == Runs{&records[6], &records[7]});  // 0.9, 0.2 over 0.3, 0.3
  CHECK(best.groups[0].rivals.size() == 4);
}

TEST_CASE("select prefers runs that are ok, and can go by loss") {
  Scene scene;
  scene.results[6]->result.status = Status::diverged;
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  const Summary best = summarise("", pointers_to(records), {"mechanism"}, {{"train.lr"}, "valid.loss"});
  CHECK(best.groups[0].runs == Runs{&records[2], &records[3]});
  CHECK(best.groups[1].runs == Runs{&records[4], &records[5]});
}

TEST_CASE("a value with fewer seeds so far is not passed over for that, and the table says so") {
  Scene scene;
  scene.results[3].reset();
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  const Summary best = summarise("", pointers_to(records), {"mechanism"}, {{"train.lr"}, "valid.accuracy"});
  CHECK(best.groups[0].runs == Runs{&records[2], &records[3]});  // 0.8 over 0.5, 0.9
  const char* const kUnequal = "Some values of train.lr have fewer finished seeds than others.";
  const auto says_so = [](const Texts& lines, const std::string& text) {
    return std::ranges::find(lines, text) != lines.end();
  };
  CHECK(says_so(notes(best), kUnequal));
  const Scene whole;
  const auto all = records_of(whole.plan, whole.plan.experiments[0], whole.results);
  CHECK_FALSE(says_so(notes(summarise("", pointers_to(all), {"mechanism"}, {{"train.lr"}, "valid.accuracy"})),
                      kUnequal));
}

TEST_CASE("an average has Student's interval over runs, and of one run Wilson's for the test") {
  Scene scene;
  scene.results[0]->result.test.accuracy_interval = {0.2, 0.3};
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  const Summary all = summarise("", pointers_to(records), {"mechanism", "train.lr"}, {});
  const Average two = average_of(all.groups[0], "test.accuracy");  // 0.25 and 0.45
  CHECK(two.mean == doctest::Approx(0.35));
  CHECK(two.standard_error == doctest::Approx(0.1));
  CHECK(two.interval.low == 0);
  CHECK(two.interval.high == 1);
  const Summary single = summarise("", {&records[0]}, {"mechanism"}, {});
  CHECK(average_of(single.groups[0], "test.accuracy").interval.low == 0.2);
  CHECK(std::isnan(average_of(single.groups[0], "valid.accuracy").interval.low));
  CHECK(average_of(single.groups[0], "test.excess").count == 0);
}

TEST_CASE("the table of a plan has a row for each mechanism and a line for each run that went wrong") {
  Scene scene;
  scene.results[2]->result.status = Status::failed;
  scene.results[2]->result.message = "out of paper";
  scene.results[0]->result.status = Status::diverged;
  scene.results[7].reset();
  const std::string text = results_text(scene.plan, scene.results);
  CAPTURE(text);
  CHECK(has(text, "  softmax, seed 0: diverged"));  // softmax: one ok each, lr 0.1 with 0.9 on valid
  CHECK(has(text, "lr0.2-seed0"));                  // the other one, named below
  CHECK(has(text, "failed: out of paper"));
  CHECK(has(text, "softmax    0.1     1/2 "));                    // the best lr
  CHECK(has(text, "1/2     0/2     0/4  0.450 [0.000, 0.000]"));  // the run's own interval
  CHECK(has(text, "linear     0.2     1/2 "));  // 0.9 on valid so far; lr 0.1 has 0.3 on both seeds
  CHECK(has(text, "  linear, seed 1: not finished"));
  CHECK(has(text, "Some values of train.lr have fewer finished seeds than others."));
  CHECK(has(text, "train.lr: the best by valid.accuracy"));
}

TEST_CASE("a run that is not finished differs from the others in nothing but that") {
  Scene scene;
  scene.results[1].reset();
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  CHECK(varying_fields(pointers_to(records)) == Texts{"mechanism", "train.lr"});
  CHECK(records[1].trouble() == "not finished");
}

TEST_CASE("mechanisms of the same name are told apart by the options that differ") {
  const Scene scene(
      R"({"model.mixer": [{"name": "softmax", "heads": 2}, {"name": "softmax", "heads": 4}, "linear"],
                        "train.lr": [0.1]})");
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  CHECK(records[0].field("mechanism") == "softmax heads=2");
  CHECK(records[1].field("mechanism") == "softmax heads=4");
  CHECK(records[2].field("mechanism") == "linear");
  CHECK(records[2].field("train.lr") == "0.1");
  CHECK(varying_fields(pointers_to(records)) == Texts{"mechanism"});
  // Unless these are selected over.
  Records loaded = load_records({scene.stored()});
  name_and_order(loaded.all, {.over = {"model.mixer.heads"}});
  CHECK(loaded.all[1].field("mechanism") == "softmax");
}

TEST_CASE("an option that a result does not know is not the same as any") {
  const Scene scene(R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1], "seed": [0, 1]})");
  scene.stored();
  Json old = scene.stored_json(0);
  old["spec"]["model"]["mixer"].erase("heads");
  std::ofstream(scene.plan.runs[0].folder / "result.json") << old.dump();
  const auto summaries = summaries_of(load_records({scene.folder.path() / "runs"}).all, {});
  CHECK(summaries[0].groups.size() == 3);
}

TEST_CASE("fields have short names where they are clear") {
  const Scene scene;
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  CHECK(find_field(pointers_to(records), "lr") == "train.lr");
  CHECK(find_field(pointers_to(records), "mechanism") == "mechanism");
  CHECK(has(message_of([&] { find_field(pointers_to(records), "pair"); }), "did you mean \"pairs\"?"));
  CHECK(has(message_of([&] { find_field(pointers_to(records), "task.pair"); }),
            "did you mean \"task.pairs\"?"));
}

TEST_CASE("figures have names") {
  Scene scene;
  Metrics further = scene.results[0]->result.test;
  further.accuracy = 0.125;
  scene.results[0]->result.settings = {{{{"length", std::int64_t{64}}}, further},
                                       {{{"pairs", std::int64_t{8}}}, further}};
  const auto records = records_of(scene.plan, scene.plan.experiments[0], scene.results);
  CHECK(metric(records[0], "test.accuracy") == 0.25);
  CHECK(metric(records[0], "test.accuracy@64") == 0.125);
  CHECK(metric(records[0], "test.accuracy@pairs=8") == 0.125);
  CHECK(std::isnan(metric(records[0], "test.accuracy@65")));
  for (const char* none :
       {"test.bogus.accuracy", "cost.none.parameters", "test.accuracy@", "accuracy", "test."})
    CHECK(std::isnan(metric(records[0], none)));
  CHECK(step_of(pointers_to(records), "test.accuracy") == 1e-5);
  CHECK(step_of(pointers_to(records), "test.exact@64") == 0.1);
  CHECK(step_of(pointers_to(records), "test.loss") == 0);
  CHECK(metric(records[0], "cost.state_bytes@32") == 64);
  CHECK(metric(records[0], "cost.state_bytes@longest") == 512);
  CHECK(std::isnan(metric(records[0], "cost.state_bytes")));
  CHECK(metric_text("cost.state_bytes@32", 2048) == "2.00 KiB");
  CHECK(has(message_of([&] { check_metric(records, "test.acuracy"); }), "did you mean \"test.accuracy\"?"));
}

}  // namespace
}  // namespace seqbench
