// A run that takes a second: what the tests of training share.
#pragma once
#include <atomic>
#include <map>
#include <optional>
#include <string>

#include "mechanism/mechanism.h"
#include "train/run.h"
#include "unit/folder.h"

namespace seqbench::test {

inline RunSpec tiny_spec(const std::string& mechanism, std::map<std::string, Value> train = {}) {
  RunSpec spec;
  spec.task = &tasks().find("mqar", "task.name");
  spec.task_options = Options(
      spec.task->options,
      {{"vocab_size", std::int64_t{40}}, {"length", std::int64_t{16}}, {"pairs", std::int64_t{3}}}, "task");
  spec.model.options =
      Options(model_options(), {{"width", std::int64_t{16}}, {"ffn", std::int64_t{24}}}, "model");
  const MechanismEntry& entry = mechanisms().find(mechanism, "model.mixer");
  spec.model.mixers.push_back({mechanism, Options(entry.options, {}, "model.mixer"), "model.mixer"});
  train.try_emplace("steps", std::int64_t{12});
  train.try_emplace("batch", std::int64_t{11});  // lanes of 1 and 2 sequences
  train.try_emplace("valid_every", std::int64_t{5});
  train.try_emplace("valid_examples", std::int64_t{50});
  spec.train = Options(train_options(), train, "train");
  spec.eval =
      Options(eval_options(), {{"examples", std::int64_t{50}}, {"lengths", Integers{16, 32}}}, "eval");
  spec.measure = Options(measure_options(), {{"speed", false}, {"contexts", Integers{8}}}, "measure");
  return spec;
}

// What a run must give again, bit for bit.
struct Outcome {
  RunResult result;
  std::string curve;
  std::string weights;
  std::optional<Resumed> resumed = {};
  std::string best;  // weights, where they are not the last
};

inline void check_same(const Outcome& a, const Outcome& b) {
  CHECK(a.curve == b.curve);
  CHECK(a.weights == b.weights);
  CHECK(a.result.test.loss == b.result.test.loss);
  CHECK(a.result.test.accuracy == b.result.test.accuracy);
  CHECK(a.result.valid.loss == b.result.valid.loss);
  CHECK(a.result.train.loss == b.result.train.loss);
  REQUIRE(a.result.test.slices.size() == b.result.test.slices.size());
  for (std::size_t i = 0; i < a.result.test.slices.size(); ++i) {
    CHECK(a.result.test.slices[i].loss == b.result.test.slices[i].loss);
  }
}

// Stops after `stop_after` steps when that is not 0, as Ctrl-C does, and returns nothing new then.
inline Outcome run_in(const TemporaryFolder& folder, const RunSpec& spec, int threads,
                      std::int64_t stop_after = 0) {
  QuietGate gate;
  std::atomic<bool> interrupted = false;
  RunContext context{.threads = threads,
                     .folder = folder.path(),
                     .spec = "{}",
                     .gate = &gate,
                     .stop = interrupted,
                     .progress = {},
                     .resumed = {}};
  context.progress = [&](const Progress& progress) {
    interrupted = stop_after > 0 && progress.step == stop_after;
  };
  Outcome outcome;
  context.resumed = [&](const Resumed& resumed) { outcome.resumed = resumed; };
  try {
    outcome.result = run(spec, context);
  } catch (const Interrupted&) {
  }
  outcome.curve = folder.content("curve.jsonl");
  outcome.weights = folder.content("model.safetensors");
  outcome.best = folder.content("best.safetensors");
  return outcome;
}

}  // namespace seqbench::test
