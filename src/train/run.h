// One run from spec to result: train, evaluate, measure.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "base/stop.h"
#include "model/language_model.h"
#include "train/memory_need.h"
#include "train/quiet_gate.h"
#include "train/result.h"
#include "train/spec.h"
#include "train/work_progress.h"

namespace seqbench {

struct Progress {
  std::int64_t step = 0;
  std::int64_t steps = 0;
  double loss = 0;                    // of the last step
  double tokens_per_s = 0;            // since training began
  double seconds_left = 0;            // of training
  const CurvePoint* point = nullptr;  // set when this step was validated
  const char* phase = "train";        // "train", "test", "test best", "measure"
  WorkDone work = {};                 // of tests (in examples) or a measurement (in contexts)
};

// What model.safetensors says of the model, as metadata, besides the weights.
inline constexpr const char* kAboutSpec = "spec";              // resolved, JSON
inline constexpr const char* kAboutData = "data";              // Task::data_id()
inline constexpr const char* kAboutVocabSize = "vocab_size";   // tokens
inline constexpr const char* kAboutVocabulary = "vocabulary";  // vocabulary_id()
inline constexpr const char* kAboutLength = "length";          // of the longest sequence trained on

// A hash of what every token of the task means.
std::uint64_t vocabulary_id(const Task& task);

// How a run is taken up again.
struct Resumed {
  std::int64_t step = 0;            // that it goes on from
  std::int64_t steps = 0;           // of the whole run
  std::int64_t repeated_steps = 0;  // had been done when it was killed, and are done again
  std::string damage = {};          // of the newest checkpoint, when it goes on from the one before
};

struct RunContext {
  int threads = 1;
  // Where curve.jsonl, checkpoint.safetensors and model.safetensors go; it exists. Empty: nothing is written.
  std::filesystem::path folder;
  std::string spec;           // as text, kept with the trained model
  QuietGate* gate = nullptr;  // never null in run()
  Stop stop;                  // how it is interrupted, in every phase
  // Seconds that the run may take, those of earlier commands included; 0: as long as it needs.
  double time_limit = 0;
  std::function<void(const Progress&)> progress;     // may be empty; called by one thread at a time
  std::function<void(const Resumed&)> resumed = {};  // likewise; before the first step of a run taken up again
  // May be empty. Told what the run will take before it takes it, and throws Error to end it there.
  std::function<void(const MemoryNeed&)> admit = {};
};

// Throws Error for a spec whose parts do not fit each other (mqar pairs that don't fit the length, heads that
// do not divide the width, a batch smaller than its lanes, ...): everything that is known before the first
// step. Cheap: builds the task and the model, but trains nothing.
struct Checked {
  std::uint64_t data_id = 0;    // Task::data_id()
  std::int64_t parameters = 0;  // of the model
};
Checked check(const RunSpec& spec);
// The same for the tests of a model, whose own task is `task`.
void check_tests(const RunSpec& spec, const Task& task, const LanguageModel& model);

// Trains, evaluates, measures. A loss that is not finite ends in Status::diverged and the time limit in
// Status::timeout, neither in an exception. Throws Interrupted when context.stop asks for it. Both then and
// after a timeout the state is in the folder's checkpoint, and the next run() with the same spec and folder
// goes on from there to bitwise the same result. The checkpoint of the end of training stays: who has stored
// the result removes it.
RunResult run(const RunSpec& spec, const RunContext& context);

// What `stored`, of a finished run whose models are in the folder, lacks of the tests and measurements that
// `spec` asks for, without training: a validation or test of no examples is made, further tests are made that
// are not among its own, and the cost is measured when it has no state bytes; of speeds, peaks are measured
// anew.
RunResult extend(const RunSpec& spec, const RunContext& context, RunResult stored);

}  // namespace seqbench
