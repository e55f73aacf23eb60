#include "experiment/trained_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>

#include "experiment/evaluations.h"
#include "experiment/paired.h"
#include "experiment/run_lock.h"
#include "experiment/runner.h"
#include "task/kept_tokenizer.h"
#include "train/safetensors.h"
#include "experiment/slice_text.h"
#include "unit/experiment/silent.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

// A run of four steps, in `folder`.
struct Trained {
  explicit Trained(const TemporaryFolder& folder, const Json& spec) {
    plan = make_plan({folder.write("spec.json", spec.dump())}, {}, folder.path() / "runs");
    Results results(1);
    Silent silent;
    const std::atomic<bool> interrupted = false;
    Execution execution{.runs = {0}, .environment = {}};
    execution.environment.threads = 1;
    execute(plan, execution, interrupted, silent, results);
    result = results[0].value().result;
    REQUIRE(result.message == "");
  }
  std::string folder() const { return plan.runs[0].folder.string(); }
  Plan plan;
  RunResult result;
};

Json quick_spec() {
  Json spec = small_spec();
  spec["measure"] = {{"speed", false}, {"contexts", {8}}};
  spec["eval"] = {{"examples", 40}, {"lengths", {64}}, {"settings", Json::array({{{"pairs", 2}}})}};
  return spec;
}

TEST_CASE("a kept model tests again to the figures of its run, bit for bit, from its file alone") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  std::filesystem::remove(folder.path() / "spec.json");
  std::filesystem::remove(run.plan.runs[0].folder / "result.json");
  for (const std::string& path : {run.folder(), run.folder() + "/model.safetensors"}) {
    const TrainedModel trained = load_trained(path, {});
    const RunResult again = test(trained, 2, 512);
    CHECK(metrics_json(again).at("test").dump() == metrics_json(run.result).at("test").dump());
    CHECK(metrics_json(again).at("settings").dump() == metrics_json(run.result).at("settings").dump());
    const std::string text =
        tests_text(std::vector<Tested>{{"", trained.file, trained.spec, trained.of_run, false, again}});
    CHECK(has(text, "length=64"));
    CHECK(has(text, "pairs=2"));
  }
}

TEST_CASE("a kept model is tested at what is set, and on nothing that does not fit it") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  const TrainedModel other = load_trained(run.folder(), {"task.length=48", "eval.examples=30", "seed=3"});
  const RunResult result = test(other, 1, 512);
  CHECK(result.test.examples == 30);
  CHECK(other.task->length() == 48);
  CHECK(result.test.loss != run.result.test.loss);
  const auto refused = [&](const Texts& sets) {
    return message_of([&] { load_trained(run.folder(), sets); });
  };
  CHECK(has(refused({"train.steps=3"}), "--set train.steps=3: the model is trained already"));
  CHECK(has(refused({"task.vocab_size=32"}),
            "the task's tokens are not those it was trained on (32 of them now)"));
  CHECK(has(refused({"task.pairs=99"}), "task.pairs: 99 do not fit"));
  CHECK(has(refused({"task.pears=9"}), "did you mean \"pairs\"?"));
}

TEST_CASE("progress counts every example that is tested, and ends with none left") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  std::vector<WorkDone> told;
  WorkProgress progress([&](const WorkDone& work) { told.push_back(work); });
  test(load_trained(run.folder(), {}), 2, 32, &progress);
  REQUIRE(told.size() > 3);
  for (std::size_t i = 0; i < told.size(); ++i) {
    CHECK(told[i].of == 3 * 40);
    CHECK(told[i].done > (i == 0 ? 0 : told[i - 1].done));
    CHECK((told[i].seconds_left > 0) == (i + 1 < told.size()));
  }
  CHECK(told.back().done == 3 * 40);
}

TEST_CASE("scores of single examples add up to those of the test, at any number of rows") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  const TrainedModel trained = load_trained(run.folder(), {});
  for (const std::int64_t rows : {1, 100, 4096}) {
    std::vector<ExampleScores> examples;
    const RunResult result = test(trained, 2, rows, nullptr, &examples);
    REQUIRE(examples.size() == 4);
    CHECK(examples[1].empty());  // the task's own length, which is the test
    for (const std::size_t i : {0, 2, 3}) {
      const Metrics& metrics = i == 0 ? result.test : result.settings[i - 1].metrics;
      REQUIRE(examples[i].size() == 40);
      double loss = 0;
      std::int64_t correct = 0, exact = 0, labels = 0;
      for (const ExampleScore& example : examples[i]) {
        CHECK(example.index == &example - examples[i].data());
        loss += example.loss * static_cast<double>(example.labels);
        correct += example.correct;
        labels += example.labels;
        exact += example.exact() ? 1 : 0;
      }
      CHECK(labels == metrics.labels);
      CHECK(correct == metrics.labels - metrics.errors);
      CHECK(loss / static_cast<double>(labels) == doctest::Approx(metrics.loss));
      CHECK(static_cast<double>(exact) / 40 == doctest::Approx(metrics.exact));
    }
  }
}

TEST_CASE("two models are paired on the same examples only") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  const auto refused = [&](const Texts& sets) {
    return message_of(
        [&] { check_paired(load_trained(run.folder(), {}), load_trained(run.folder(), sets)); });
  };
  CHECK(refused({}) == "");
  CHECK(
      has(refused({"seed=3"}), "seeds 0 and 3 draw other examples; test both on those of one: --set seed=0"));
  CHECK(has(refused({"task.pairs=3"}), "task.pairs is 4 in "));
  CHECK(has(refused({"eval.examples=3"}), "eval.examples is 40 in "));
}

// The tests kept beside the run, by name.
Texts kept_names(const Trained& run) {
  Texts names;
  for (const SettingMetrics& test : kept_evaluations(run.folder())) names.push_back(name_of(test));
  return names;
}

Tested tested_with(const Trained& run, const Texts& sets) {
  const TrainedModel trained = load_trained(run.folder(), sets);
  return {"", trained.file, trained.spec, trained.of_run, trained.best, test(trained, 1, 512)};
}

TEST_CASE("what a run was not tested on itself is kept beside its result, once, under what is different") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  CHECK(keep_evaluation(tested_with(run, {})) == 0);
  CHECK(kept_names(run).empty());
  CHECK(keep_evaluation(tested_with(run, {"eval.lengths=[64,96]"})) == 1);
  CHECK(keep_evaluation(tested_with(run, {"task.pairs=3", "eval.settings=[]", "seed=5"})) == 2);
  CHECK(kept_names(run) == Texts{"length=96", "pairs=3 seed=5", "length=64 pairs=3 seed=5"});
  const Tested more = tested_with(run, {"eval.lengths=[96]", "eval.settings=[]", "eval.examples=50"});
  CHECK(keep_evaluation(more) == 2);
  CHECK(keep_evaluation(more) == 2);
  CHECK(kept_names(run).size() == 5);
  const auto kept = kept_evaluations(run.folder());
  CHECK(name_of(kept[4]) == "examples=50 length=96");
  CHECK(kept[4].metrics.loss == more.result.settings[1].metrics.loss);  // [0]: the own length
  RunResult result = run.result;
  CHECK(add_evaluations(run.folder(), result).size() == 5);
  CHECK(result.settings.size() == run.result.settings.size() + 5);
  CHECK(add_evaluations(run.folder(), result).empty());
  CHECK(name_of(result.settings[run.result.settings.size()]) == "length=96");
}

TEST_CASE("tests are kept beside no model alone, none that is being run, and nothing that cannot be read") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  const Tested tested = tested_with(run, {"eval.lengths=[96]"});
  {
    const RunLock other(run.folder());
    CHECK(has(message_of([&] { keep_evaluation(tested); }), "another process is at work on this run"));
  }
  std::ofstream(run.folder() + "/evaluations.json") << "{\"schema\": 1, \"tests\": 3}";
  CHECK(has(message_of([&] { keep_evaluation(tested); }),
            "evaluations.json: holds no tests that this program can read: "
            "tests: expected a list"));
  std::filesystem::remove(run.folder() + "/evaluations.json");
  std::filesystem::remove(run.folder() + "/result.json");
  CHECK(keep_evaluation(tested) == 0);
  CHECK_FALSE(std::filesystem::exists(run.folder() + "/evaluations.json"));
}

TEST_CASE("where there is no model, the message says what was expected") {
  const TemporaryFolder folder;
  const auto refused = [](const std::string& path) { return message_of([&] { load_trained(path, {}); }); };
  CHECK(has(refused(folder.path("none")), "there is no such folder"));
  CHECK(has(refused(folder.path("")), "holds no model.safetensors"));
  folder.write("checkpoint.safetensors", "");
  CHECK(has(refused(folder.path("")), "this run is not finished"));
  CHECK(has(refused(folder.write("model.safetensors", "{}")), "model.safetensors"));
}

TEST_CASE("a text that has changed since is not taken for the one trained on") {
  const TemporaryFolder folder;
  Json spec = quick_spec();
  std::string text;
  for (int i = 0; i < 3000; ++i) text += static_cast<char>('a' + i * i % 23);
  spec["task"] = {{"name", "language_model"},
                  {"files", {folder.write("a.txt", text)}},
                  {"length", 32},
                  {"vocab", "char"}};
  spec["eval"] = {{"examples", 4}};
  const Trained run(folder, spec);
  CHECK(metrics_json(test(load_trained(run.folder(), {}), 1, 64)).at("test")["labels"] ==
        metrics_json(run.result).at("test")["labels"]);
  folder.write("a.txt", text + "abc");
  CHECK(has(message_of([&] { load_trained(run.folder(), {}); }),
            "the files of task language_model have changed"));
  CHECK(has(message_of([&] { load_trained(run.folder(), {"task.length=16"}); }), "have changed since"));
  const std::string other = folder.write("b.txt", text + "XYZ" + text);
  CHECK(has(message_of([&] { load_trained(run.folder(), {"task.files=[\"" + other + "\"]"}); }),
            "the task's tokens are not those it was trained on"));
  folder.write("a.txt", text);
  const std::string same_letters = folder.write("c.txt", text.substr(0, 1000));
  const TrainedModel on_other = load_trained(run.folder(), {"task.test_files=[\"" + same_letters + "\"]"});
  CHECK(test(on_other, 1, 64).test.labels == 999);
}

std::string refused_writer(const std::filesystem::path& run) {
  return message_of([&] { load_writer(run); });
}

TEST_CASE("a kept model writes without the text it was trained on, which may hold NUL and no newline") {
  for (const char* vocab : {"byte", "char"}) {
    const TemporaryFolder folder;
    Json spec = quick_spec();
    std::string text;
    for (int i = 0; i < 3000; ++i) text += static_cast<char>(i % 23 == 0 ? 0 : 'a' + i * i % 23);
    spec["task"] = {{"name", "language_model"},
                    {"files", {folder.write("a.txt", text)}},
                    {"length", 32},
                    {"vocab", vocab}};
    spec["eval"] = {{"examples", 4}};
    const Trained run(folder, spec);
    const std::unique_ptr<Task> task = make_task(run.plan.runs[0].spec);
    folder.write("a.txt", "another text");
    const TrainedModel writer = load_writer(run.folder());
    const std::string some = text.substr(0, 100);
    CHECK(writer.tokenizer->vocab_size() == task->vocab_size());
    CHECK(writer.tokenizer->encode(some) == task->tokenizer()->encode(some));
    CHECK(writer.tokenizer->decode(writer.tokenizer->encode(some)) == some);
    CHECK(first_token(*writer.tokenizer) == (vocab == std::string("byte") ? '\n' : 0));
    std::filesystem::remove(folder.path() / "a.txt");
    CHECK(refused_writer(run.folder()) == "");
    CHECK_FALSE(message_of([&] { load_trained(run.folder(), {}); }) == "");
  }
}

TEST_CASE("what no tokenizer is kept of does not write") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  CHECK(has(refused_writer(run.folder()), "was trained on mqar, whose tokens are no text"));
  CHECK(has(refused_writer(folder.path() / "none"), "there is no such folder"));
}

TEST_CASE("a kept model that says other sizes than it has is refused before memory is taken") {
  const TemporaryFolder folder;
  const Trained run(folder, quick_spec());
  const std::string file = run.folder() + "/model.safetensors";
  const TensorFile whole = read_safetensors(file);
  const auto message = [&](const char* key, const std::string& value) {
    TensorFile changed = whole;
    changed.metadata[key] = value;
    save_safetensors(file, changed, {.checksum = true});
    return message_of([&] { load_trained(file, {}); });
  };
  Json wide = parse_json(whole.metadata.at("spec"), "spec");
  wide["model"]["width"] = 16384;
  wide["model"]["layers"] = 256;
  CHECK(has(message("spec", wide.dump()), "numbers; the model of its spec has"));
  CHECK(has(message("vocab_size", "2147483647"), "numbers; the model of its spec has"));
  for (const char* wrong : {"", "abc", "64x", "-1", "0", "99999999999999999999"}) {
    CHECK(has(message("vocab_size", wrong), "its vocab_size should be a whole number from 1 on, and is \""));
    CHECK(has(message("length", wrong), "its length should be a whole number from 1 on, and is \""));
  }
}

}  // namespace
}  // namespace seqbench
