#include "experiment/store.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>

#include "experiment/run_files.h"
#include "experiment/runner.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

Plan small_plan(const TemporaryFolder& folder) {
  return make_plan({folder.write("small.json", small_spec().dump())}, {}, folder.path() / "runs");
}

StoredResult made_up() {
  StoredResult stored;
  stored.result.steps = 12;
  stored.result.test.loss = 0.25;
  stored.result.test.accuracy = 0.75;
  stored.result.test.exact = 0.5;
  stored.result.test.accuracy_interval = {0.7, 0.8};
  stored.result.test.bits_per_byte = 1.5;
  stored.result.test.chance = {.uniform = 0.01, .in_context = 0.125};
  stored.result.test.examples = 100;
  stored.result.test.labels = 400;
  stored.result.test.slices = {{"length", 32, 0.5, 0.625, 0.25, 50, 200}};
  stored.result.test.errors = 100;
  Metrics sparse = stored.result.test;
  sparse.excess = 0.125;
  stored.result.settings = {{{{"ignore", 0.98}, {"length", std::int64_t{32}}}, sparse}};
  stored.result.cost.parameters = 1000;
  stored.result.cost.mixer_parameters = 600;
  stored.result.cost.task_length = 64;
  stored.result.cost.state_bytes = {{64, 128}, {256, 512}};
  stored.result.cost.flops_per_token = 6000;
  stored.result.cost.train_tokens_per_s = 1e5;
  stored.result.cost.prefill_tokens_per_s = {{64, 2e5}};
  stored.result.cost.decode_us_per_token = {{64, 3.5}};
  stored.result.cost.train_samples = {{1e5, 90}, {0.75e5, 80}};
  stored.result.cost.prefill_samples = {{64, {{2e5, 45}}}};
  stored.result.cost.decode_samples = {{64, {{285714, 46}}}};
  stored.result.cost.peak_bytes = 77;
  stored.result.train_seconds = 1.25;
  stored.environment = {.commit = "abc",
                        .version = "1",
                        .compiler = "c",
                        .cpu = "p",
                        .isa = {"avx2"},
                        .kernels = "k",
                        .onednn = "o"};
  stored.environment.threads = 3;
  stored.environment.gemm_gflops = 99.5;
  stored.started = "2020-01-02T03:04:05Z";
  return stored;
}

TEST_CASE("a result comes back from its file as it was") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  const PlannedRun& run = plan.runs[0];
  CHECK_FALSE(load_result(run).has_value());
  std::filesystem::create_directories(run.folder);
  save_result(run, made_up());
  const StoredResult back = load_result(run).value();
  CHECK(result_json(run, back).dump() == result_json(run, made_up()).dump());
  CHECK(back.result.test.slices.at(0).value == 32);
  CHECK(back.result.cost.state_bytes.at(256) == 512);
  CHECK(back.result.test.chance.in_context == 0.125);
  CHECK(back.result.settings.at(0).setting.at("ignore") == Value(0.98));
  CHECK(back.result.settings.at(0).metrics.errors == 100);
  CHECK(back.result.cost.decode_samples.at(64).at(0).gemm_gflops == 46);
  CHECK(back.environment.threads == 3);
  // Nothing but the result is left behind.
  CHECK(std::distance(std::filesystem::directory_iterator(run.folder), {}) == 1);
}

TEST_CASE("result.json has the keys other programs read") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  const Json json = result_json(plan.runs[0], made_up());
  CHECK(json["schema"] == 1);
  CHECK(json["id"] == plan.runs[0].id);
  CHECK(json["spec"]["train"]["steps"] == 4);
  CHECK(json["status"] == "ok");
  CHECK(json["metrics"]["train"] == nullptr);  // made_up() scored the test split only
  CHECK(json["metrics"]["test"] == parse_json(R"({
      "loss": 0.25, "accuracy": 0.75, "accuracy_interval": [0.7, 0.8], "exact": 0.5, "bits_per_byte": 1.5,
      "perplexity": 1.2840254166877414, "chance": 0.01, "chance_in_context": 0.125, "examples": 100, "labels": 400,
      "errors": 100, "slices": [{"by": "length", "value": 32, "loss": 0.5, "accuracy": 0.625, "exact": 0.25,
                                 "examples": 50, "labels": 200}]})",
                                              "test"));
  CHECK(json["metrics"]["settings"][0]["setting"] == parse_json(R"({"ignore": 0.98, "length": 32})", "test"));
  CHECK(json["metrics"]["settings"][0]["excess"] == 0.125);
  CHECK(json["cost"] == parse_json(R"({
      "parameters": 1000, "mixer_parameters": 600, "task_length": 64, "state_bytes": {"64": 128, "256": 512},
      "flops_per_token": 6000.0,
      "train_tokens_per_s": 100000.0, "prefill_tokens_per_s": {"64": 200000.0}, "decode_us_per_token": {"64": 3.5},
      "speed_samples": {"train": [[100000.0, 90.0], [75000.0, 80.0]], "prefill": {"64": [[200000.0, 45.0]]},
                        "decode": {"64": [[285714.0, 46.0]]}},
      "peak_bytes": 77, "process_peak_bytes": 0})",
                                   "test"));
  CHECK(json["environment"]["gemm_gflops"] == 99.5);
  CHECK(json["time"]["train_seconds"] == 1.25);
}

TEST_CASE("a checkpoint goes once its result is there, but for that of a run to be tried again") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  const std::filesystem::path checkpoint = plan.runs[0].folder / "checkpoint.safetensors";
  std::filesystem::create_directories(plan.runs[0].folder);
  std::ofstream(checkpoint) << "";
  StoredResult stored = made_up();
  stored.result.status = Status::failed;
  save_result(plan.runs[0], stored);
  CHECK(std::filesystem::exists(checkpoint));
  stored.result.status = Status::ok;
  save_result(plan.runs[0], stored);
  CHECK_FALSE(std::filesystem::exists(checkpoint));
}

TEST_CASE("a failure takes the place of no result but an earlier failure") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  const PlannedRun& run = plan.runs[0];
  std::filesystem::create_directories(run.folder);
  StoredResult stored = made_up();
  const auto save = [&](Status status, const char* message) {
    stored.result.status = status;
    stored.result.message = message;
    save_result(run, stored);
    return load_result(run).value().result.message;
  };
  CHECK(save(Status::failed, "first") == "first");
  CHECK(save(Status::failed, "second") == "second");
  for (const Status finished : {Status::diverged, Status::ok}) {
    CHECK(save(finished, "finished") == "finished");
    CHECK(save(Status::failed, "third") == "finished");
  }
  forget_run(run.folder);
  CHECK(save(Status::failed, "fourth") == "fourth");
  std::ofstream(run.folder / "result.json") << "{\"schema\": 2}";
  stored.result.status = Status::failed;
  save_result(run, stored);
  CHECK(read_json(run.folder / "result.json")["schema"] == 2);
}

TEST_CASE("numbers that are not finite are null and come back as such") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  StoredResult stored = made_up();
  stored.result.status = Status::diverged;
  stored.result.message = "why";
  stored.result.test.loss = std::nan("");
  stored.result.cost = {};
  std::filesystem::create_directories(plan.runs[0].folder);
  save_result(plan.runs[0], stored);
  CHECK(read_json(plan.runs[0].folder / "result.json")["metrics"]["test"]["loss"] == nullptr);
  CHECK(read_json(plan.runs[0].folder / "result.json")["cost"] == nullptr);
  const StoredResult back = load_result(plan.runs[0]).value();
  CHECK(back.result.status == Status::diverged);
  CHECK(back.result.message == "why");
  CHECK(std::isnan(back.result.test.loss));
}

TEST_CASE("a result that cannot be read is an error that names the file, the part of it and the remedy") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  std::filesystem::create_directories(plan.runs[0].folder);
  const std::string file = (plan.runs[0].folder / "result.json").string();
  const auto message_for = [&](const std::string& text) {
    std::ofstream(file) << text;
    return message_of([&] { load_result(plan.runs[0]); });
  };
  const Json good = result_json(plan.runs[0], made_up());
  CHECK(message_for(good.dump()) == "");
  const std::string remedy = " Delete that file or move it away, and its run is run again.";
  CHECK(has(message_for("{"), file + ": line 1, column 2: malformed JSON: "));
  CHECK(has(message_for("{"), remedy));
  CHECK(message_for("[]") == file + ": is not a result of seqbench." + remedy);
  // A part of it by its path, what that is instead, and how that is complained of.
  const auto expect = [&](const std::string& path, const char* instead, const std::string& complaint) {
    Json wrong = good;
    wrong[Json::json_pointer(path)] = parse_json(instead, "test");
    const std::string whole = file + ": is no complete result of seqbench: " + complaint + remedy;
    CHECK(message_for(wrong.dump()) == whole);
  };
  expect("/metrics", "{}", "metrics.train: is missing.");
  expect("/metrics/test", "3", "metrics.test: expected an object, got 3.");
  expect("/metrics/test/loss", "\"x\"", "metrics.test.loss: expected a number, got \"x\".");
  expect("/metrics/test/slices/0/value", "-1",
         "metrics.test.slices[0].value: expected a whole number from 0 on, got -1.");
  expect("/metrics/settings/0/setting/length", "\"long\"",
         "metrics.settings[0].setting.length: expected a whole number, got \"long\".");
  expect("/cost", "null", "cost: expected an object, got null.");
  expect("/cost/state_bytes", "[1, 2]", "cost.state_bytes: expected an object, got [1, 2].");
  expect("/cost/state_bytes/many", "3",
         "cost.state_bytes: expected lengths as keys, and not \"many\", got an object.");
  expect("/cost/speed_samples/train/0", "[1]",
         "cost.speed_samples.train[0]: expected a list of two numbers, got [1].");
  expect("/cost/peak_bytes", "18446744073709551615",
         "cost.peak_bytes: expected a whole number, got 18446744073709551615.");
  expect("/status", "\"fine\"", "status: expected ok, diverged, timeout or failed, got \"fine\".");
  expect("/spec/model/mixer", "[{}]", "spec.model.mixer[0].name: is missing.");
  expect("/environment/isa", "[2]", "environment.isa[0]: expected a text, got 2.");
  // One that another version may read is not to be deleted.
  Json newer = good;
  newer["schema"] = 2;
  CHECK(message_for(newer.dump()) == file +
                                         ": its schema is 2, and this program reads 1: a newer seqbench has "
                                         "written it. Use that one, or choose another --out.");
}

TEST_CASE("finished runs are those that need not run again") {
  const TemporaryFolder folder;
  const Plan plan = small_plan(folder);
  std::filesystem::create_directories(plan.runs[0].folder);
  StoredResult stored = made_up();
  for (const auto& [status, finished] :
       {std::pair{Status::failed, false}, {Status::diverged, true}, {Status::ok, true}}) {
    stored.result.status = status;
    save_result(plan.runs[0], stored);
    CHECK(finished_results(plan).at(0).has_value() == finished);
  }
}

TEST_CASE("an output folder that cannot be written is found, and nothing is left of the attempt") {
  const TemporaryFolder folder;
  const auto spec = folder.write("small.json", small_spec().dump());
  const std::filesystem::path file = folder.write("file", "");
  const Plan blocked = make_plan({spec}, {}, file / "runs");
  CHECK(has(message_of([&] { prepare_folders(blocked); }), "the output folder cannot be written"));
  const Plan half = make_plan({spec}, {}, folder.path() / "new" / "runs");
  prepare_folders(half);
  CHECK(std::filesystem::is_empty(half.runs[0].folder.parent_path()));
}

}  // namespace
}  // namespace seqbench
