#include "report/report.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <functional>

#include "report/folders.h"
#include "report/pairs.h"
#include "unit/report/scene.h"

namespace seqbench {
namespace {

void write(const std::filesystem::path& file, const std::string& text) {
  std::filesystem::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST_CASE("results come back from folders at any depth; what cannot be read is a problem with a name") {
  const Scene scene;
  const std::filesystem::path runs = scene.stored();
  CHECK(load_records({runs}).all.size() == 8);
  CHECK(load_records({scene.folder.path()}).all.size() == 8);
  CHECK(load_records({scene.plan.runs[0].folder}).all.size() == 1);
  CHECK(load_records({scene.plan.runs[0].folder / "result.json"}).all.size() == 1);
  write(runs / "half" / "result.json", R"({"schema": 1, "id": )");
  write(runs / "newer" / "result.json", R"({"schema": 2, "id": "x"})");
  write(runs / "other" / "result.json", R"([1, 2])");
  write(runs / "begun" / "curve.jsonl", "");
  Json without_cost = scene.stored_json(0);
  without_cost["cost"] = nullptr;
  write(runs / "without" / "result.json", without_cost.dump());
  const Records records = load_records({runs});
  CHECK(records.all.size() == 8);
  REQUIRE(records.problems.size() == 5);
  CHECK(has(records.problems[4],
            "without/result.json: is no complete result of seqbench: cost: expected an object"));
  CHECK(has(records.problems[4], "Move that file away, or run its spec again."));
  CHECK(has(records.problems[0], "begun: is not finished"));
  CHECK(has(records.problems[1], "malformed JSON"));
  CHECK(has(
      records.problems[2],
      "its schema is 2, and this program reads 1: a newer seqbench has written it. Report with that one."));
  CHECK(has(records.problems[3], "is not a result of seqbench"));
  std::filesystem::create_directories(scene.folder.path() / "empty");
  CHECK(has(message_of([&] { load_records({scene.folder.path() / "empty"}); }), "no result found"));
  CHECK(has(message_of([&] { load_records({runs / "newer"}); }), "a newer seqbench"));
  CHECK(has(message_of([&] { load_records({runs / "nowhere"}); }), "no such folder"));
}

// Calls `f` with the JSON in which one part after the other is missing or something else.
template <class F>
void for_each_wrong_part(const Json& good, const F& f) {
  const Json instead =
      parse_json(R"([null, true, -1, 1.5, 18446744073709551615, "x", [], [1], ["x"], {}, {"x": 1}])", "test");
  const std::function<void(const Json::json_pointer&)> visit = [&](const Json::json_pointer& path) {
    for (const Json& value : instead) {
      Json wrong = good;
      wrong[path] = value;
      f(wrong);
    }
    const Json& part = good[path];
    if (part.is_array() && !part.empty()) visit(path / 0);
    if (!part.is_object()) return;
    for (const auto& [key, value] : part.items()) {
      Json wrong = good;
      wrong[path].erase(key);
      f(wrong);
      visit(path / key);
    }
  };
  visit(Json::json_pointer());
}

TEST_CASE("whatever a part of a result is, the other results are reported") {
  Scene scene(R"({"train.lr": [0.1], "seed": [0, 1]})");
  for (auto& stored : scene.results) {
    stored->result.test.slices = {{"position", 8, 0.5, 0.6, 0.4, 0, 20},
                                  {"depth", 50, 0.5, 0.6, 0.4, 10, 20}};
    stored->result.settings = {{{{"length", std::int64_t{64}}}, stored->result.test},
                               {{{"pairs", std::int64_t{2}}}, stored->result.test}};
    stored->result.cost.train_tokens_per_s = 1000;
    stored->result.cost.decode_us_per_token = {{32, 3.5}};
    stored->result.cost.train_samples = {{1000, 50}};
    stored->result.cost.decode_samples = {{32, {{1000, 50}}}};
    stored->environment.isa = {"avx2"};
  }
  const std::filesystem::path runs = scene.stored();
  std::size_t problems = 0;
  for_each_wrong_part(scene.stored_json(1), [&](const Json& wrong) {
    write(scene.plan.runs[1].folder / "result.json", wrong.dump());
    CAPTURE(wrong.dump());
    const Report report = make_report({.folders = {runs}, .format = ReportFormat::html});
    CHECK(has(report.text, scene.plan.runs[0].id));
    for (const std::string& problem : report.problems) CHECK_FALSE(has(problem, "exception"));
    problems += report.problems.size();
    CHECK(has(list_runs_text({runs}), scene.plan.runs[1].id));
  });
  CHECK(problems > 1000);
}

TEST_CASE("a run that is there twice counts once") {
  const Scene scene;
  const std::filesystem::path runs = scene.stored();
  std::filesystem::copy(runs, scene.folder.path() / "copy", std::filesystem::copy_options::recursive);
  const Report report = make_report({.folders = {runs, scene.folder.path() / "copy"}});
  REQUIRE(report.problems.size() == 1);
  CHECK(has(report.problems[0], "8 further results"));
  CHECK(report.text == make_report({.folders = {runs}}).text);
  // Of a run that failed and was done again elsewhere, that which is ok.
  Scene failed;
  failed.plan = scene.plan;
  for (auto& stored : failed.results) stored->result.status = Status::failed;
  for (PlannedRun& run : failed.plan.runs) run.folder = scene.folder.path() / "0" / run.folder.filename();
  failed.stored();
  CHECK(make_report({.folders = {scene.folder.path() / "0", runs}}).text ==
        make_report({.folders = {runs}}).text);
}

TEST_CASE("a report selects over what of training differs, and can name the files behind a row") {
  const Scene scene;
  const Report report = make_report({.folders = {scene.stored()}, .explain = true});
  CAPTURE(report.text);
  CHECK(has(report.text, "train.lr: the best by valid.accuracy"));
  CHECK(has(report.text, "0.400 [0.400, 0.400]"));  // softmax: lr 0.2
  CHECK(has(report.text, (scene.plan.runs[3].folder / "result.json").string()));
  CHECK(has(report.text, (scene.plan.runs[1].folder / "result.json").string() + "  (not selected)"));
}

TEST_CASE("the files behind a row or cell stand below its name, in every format that has room for them") {
  const Scene scene;
  const auto file = [&](std::size_t run) { return (scene.plan.runs[run].folder / "result.json").string(); };
  ReportRequest request{.folders = {scene.stored()}, .explain = true};
  const auto in_order = [&](const std::string& text) {
    const std::size_t named = text.find("softmax:");
    return named != std::string::npos && text.find("0.400  " + file(2), named) != std::string::npos;
  };
  for (const ReportFormat format : {ReportFormat::text, ReportFormat::markdown, ReportFormat::latex}) {
    request.format = format;
    CHECK(in_order(make_report(request).text));
  }
  request.pivot = Pivot{};
  CHECK(in_order(make_report(request).text));
  request.format = ReportFormat::csv;
  CHECK(has(message_of([&] { make_report(request); }), "--explain: csv has cells only"));
  const std::string page = make_report({.folders = request.folders, .format = ReportFormat::html}).text;
  CHECK(has(page, "<td>softmax</td><td>" + file(2)));
  CHECK(has(page, "<td>not selected</td><td>" + file(0)));
}

TEST_CASE("a pivot has a cell for each combination, filters keep what they name") {
  const Scene scene;
  ReportRequest request{.folders = {scene.stored()}};
  request.pivot = Pivot{.rows = {"lr"}, .columns = {"mechanism"}, .metric = "valid.accuracy"};
  request.format = ReportFormat::csv;
  CHECK(make_report(request).text ==
        "train.lr,linear,softmax\n0.1,\"0.300 [0.300, 0.300]\",\"0.700 [0.000, 1.000]\"\n"
        "0.2,\"0.550 [0.000, 1.000]\",\"0.800 [0.800, 0.800]\"\n");
  request.filters = {"mechanism!=linear", "lr=0.1"};
  CHECK(make_report(request).text == "train.lr,softmax\n0.1,\"0.700 [0.000, 1.000]\"\n");
  request.filters = {"mechanism=softmx"};
  CHECK(has(message_of([&] { make_report(request); }),
            "no result has \"softmx\"; mechanism is linear or softmax"));
  request.filters = {"mechanism"};
  CHECK(has(message_of([&] { make_report(request); }), "expected FIELD=VALUE"));
}

TEST_CASE("a filter knows numbers, mixers whatever their options, and every value it names") {
  const Scene scene(
      R"({"model.mixer": [{"name": "softmax", "window": 4}, {"name": "softmax", "window": 8}, "linear"], "train.lr": [0.002]})");
  const Records records = load_records({scene.stored()});
  const auto kept = [&](const Texts& filters) { return filtered(pointers_to(records.all), filters).size(); };
  CHECK(kept({"lr=2e-3"}) == 3);
  CHECK(kept({"mechanism=softmax"}) == 2);
  CHECK(kept({"mechanism=softmax window=8,linear"}) == 2);
  CHECK(kept({"mechanism!=softmax"}) == 1);
  for (const char* wrong : {"mechanism=softmax,lineer", "mechanism!=lineer"})
    CHECK(has(message_of([&] { kept({wrong}); }), "no result has \"lineer\""));
  CHECK(has(message_of([&] { kept({"mechanism=linear", "mechanism=softmax"}); }), "leaves no result"));
  // What is left is named by what still differs.
  ReportRequest request{.folders = {scene.folder.path() / "runs"}, .format = ReportFormat::csv};
  request.filters = {"mechanism=softmax window=8"};
  CHECK(has(make_report(request).text, ",softmax,"));
}

TEST_CASE("a cell says how many of its runs ended well, and which did not") {
  Scene scene(R"({"model.mixer": ["softmax", "linear"], "train.lr": [0.1], "seed": [0, 1, 2]})");
  scene.results[1]->result.status = Status::diverged;
  scene.results[1]->result.message = "the loss is no number";
  for (std::size_t i = 3; i < 6; ++i) scene.results[i]->result.status = Status::diverged;
  const Report report = make_report({.folders = {scene.stored()}, .pivot = Pivot{}});
  CHECK(has(report.text, "] (2 of 3)\n"));
  CHECK(has(report.text, "- (0 of 3)\n"));
  CHECK(has(report.text, "diverged: the loss is no number"));
}

TEST_CASE("the same run under two names is one seed of a cell") {
  const Scene scene;
  const auto runs = scene.stored();
  Scene again = scene;
  for (PlannedRun& run : again.plan.runs) {
    run.folder = scene.folder.path() / "again" / run.folder.filename();
    run.resolved["name"] = "other";
  }
  again.stored();
  ReportRequest request{.folders = {runs}, .pivot = Pivot{}};
  const std::string alone = make_report(request).text;
  request.folders.push_back(scene.folder.path() / "again");
  const Report both = make_report(request);
  CHECK(both.text == alone);
  REQUIRE(both.problems.size() == 1);
  CHECK(has(both.problems[0], "8 further results"));
  // An experiment of its own has its own rows.
  CHECK(make_report({.folders = request.folders}).problems.empty());
}

TEST_CASE("what is chosen over is a field, or what stands before some; never the seed or the task") {
  const Scene scene(
      R"({"model.mixer": [{"name": "softmax", "window": 4}, {"name": "softmax", "window": 8}], "train.lr": [0.1, 0.2]})");
  ReportRequest request{.folders = {scene.stored()}, .format = ReportFormat::csv};
  const auto rows = [&](const Texts& over) {
    request.selection.over = over;
    const std::string text = make_report(request).text;
    return std::ranges::count(text, '\n') - 1;
  };
  CHECK(rows({}) == 2);
  CHECK(rows({"train"}) == 2);
  for (const char* window : {"window", "mixer.window", "model.mixer.window"}) CHECK(rows({window}) == 2);
  CHECK(rows({"train", "window"}) == 1);
  CHECK(rows({"model", "lr"}) == 1);
  CHECK(rows({"model.mixer", "train.lr"}) == 1);
  const Scene mixers;
  request.folders = {mixers.stored()};
  for (const char* all : {"mechanism", "model.mixer", "model"}) CHECK(rows({all, "lr"}) == 1);
  request.folders = {scene.folder.path() / "runs"};
  for (const char* never : {"seed", "experiment"})
    CHECK(has(message_of([&] { rows({never}); }), "never chosen between"));
  for (const char* never : {"task", "pairs", "task_version"})
    CHECK(has(message_of([&] { rows({never}); }), "results of different tasks are never chosen between"));
  CHECK(has(message_of([&] { rows({"wndow"}); }), "did you mean \"window\"?"));
}

TEST_CASE("results of different tasks never share a row or a cell") {
  const Scene scene(
      R"({"task": [{"name": "copy", "length": 64}, {"name": "selective_copy", "length": 64}], "train.lr": [0.1], "seed": [0, 1]})");
  const Records records = load_records({scene.stored()});
  const auto summaries = summaries_of(records.all, {});
  REQUIRE(summaries[0].groups.size() == 2);
  CHECK(summaries[0].fields[1] == "task");
  CHECK(summaries[0].groups[0].labels[1] == "copy");
  CHECK(pairs_of(summaries[0], "test.accuracy").empty());
  ReportRequest request{.folders = {scene.stored()}, .pivot = Pivot{}};
  CHECK(
      has(message_of([&] { make_report(request); }), "task differs between results that would share a cell"));
  request.pivot->columns = {"task"};
  CHECK(has(make_report(request).text, "selective_copy"));
  CHECK_FALSE(has(make_report(request).text, "the best by"));  // no cell has anything to choose from
  const Scene settings(R"({"task.pairs": [2, 4], "train.lr": [0.1]})");
  request.folders = {settings.stored()};
  CHECK(has(message_of([&] { make_report(request); }), "task.pairs differs"));
}

TEST_CASE("results of different settings of a task never share a cell") {
  const Scene scene(R"({"task.pairs": [2, 4], "train.lr": [0.1]})");
  ReportRequest request{.folders = {scene.stored()}, .pivot = Pivot{}};
  CHECK(has(message_of([&] { make_report(request); }),
            "task.pairs differs between results that would share a cell: add it to --rows or --cols"));
  request.pivot->columns = {"pairs"};
  CHECK(has(make_report(request).text, "0.250"));
}

TEST_CASE("the test split is never selected on, in a pivot neither") {
  Scene scene;
  for (auto& stored : scene.results)
    stored->result.settings = {{{{"length", std::int64_t{256}}}, stored->result.test}};
  ReportRequest request{.folders = {scene.stored()}, .selection = {{}, "test.accuracy"}};
  CHECK(has(message_of([&] { make_report(request); }), "the test split is never selected on"));
  request.pivot = Pivot{};
  CHECK(has(message_of([&] { make_report(request); }), "the test split is never selected on"));
  request.selection = {{}, "valid.accuracy@256"};  // further tests are of test
  CHECK(has(message_of([&] { make_report(request); }), "unknown metric"));
  request.selection = {{}, "valid.acuracy"};
  CHECK(has(message_of([&] { make_report(request); }), "did you mean \"valid.accuracy\"?"));
  request.selection = {{"train.lr"}, ""};
  CHECK(has(message_of([&] { make_report(request); }), "--over: with --rows, --cols or --metric"));
}

TEST_CASE("text is scored by its loss, in every part of a report") {
  Scene scene;
  for (auto& stored : scene.results) stored->result.test.bits_per_byte = stored->result.test.loss;
  ReportRequest request{.folders = {scene.stored()}, .format = ReportFormat::json};
  CHECK(Json::parse(make_report(request).text).at("experiments").at(0).at("differences").at("of") ==
        "test.loss");
  request.format = ReportFormat::markdown;
  CHECK(has(make_report(request).text, "test.loss: mean difference over common seeds"));
  request.format = ReportFormat::html;
  CHECK(has(make_report(request).text, "test loss (nats)"));
}

TEST_CASE("differences are paired by seed and corrected for the number of pairs") {
  Scene scene(R"({"model.mixer": ["softmax", "linear", "sigmoid"], "train.lr": [0.1], "seed": [0, 1, 2]})");
  const double accuracies[] = {0.50, 0.60, 0.70, 0.30, 0.41, 0.49, 0.50, 0.61, 0.69};
  for (std::size_t i = 0; i < 9; ++i) scene.results[i]->result.test.accuracy = accuracies[i];
  const Records records = load_records({scene.stored()});
  const auto summaries = summaries_of(records.all, {});
  const std::vector<Pair> pairs = pairs_of(summaries[0], "test.accuracy");
  REQUIRE(pairs.size() == 3);  // linear-sigmoid, linear-softmax, sigmoid-softmax
  CHECK(pairs[1].seeds == 3);
  CHECK(pairs[1].difference.difference == doctest::Approx(0.2));
  CHECK(pairs[1].difference.p == doctest::Approx(student_p(0.2 / (0.01 / std::sqrt(3.0)), 2)));
  CHECK(pairs[1].p == doctest::Approx(2 * pairs[1].difference.p));
  CHECK(pairs[2].p == 1);
  const std::string text = differences_of(summaries[0], "test.accuracy").table.text();
  CHECK(has(text, "-0.200*"));
  CHECK(has(text, "+0.200*"));
}

TEST_CASE("csv and json say which value was selected, as the table does") {
  const Scene scene;  // 0.8 and 0.8 against 0.5 and 0.9; 0.9 and 0.2 against 0.3 and 0.3
  ReportRequest request{.folders = {scene.stored()}, .format = ReportFormat::json};
  const Json groups = parse_json(make_report(request).text, "test").at("experiments").at(0).at("groups");
  request.format = ReportFormat::csv;
  const std::string csv = make_report(request).text;
  CHECK(has(csv, "experiment,mechanism,selected.train.lr,runs,ok,"));
  REQUIRE(groups.size() == 2);
  for (const Json& group : groups) {
    const std::string mechanism = group.at("labels").at("mechanism");
    CHECK(group.at("selected") == Json{{"train.lr", "0.2"}});
    CHECK(has(csv, "small," + mechanism + ",0.2,2,2,"));
  }
}

}  // namespace
}  // namespace seqbench
