// A model that a run has trained, as its file model.safetensors keeps it.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

#include "base/options.h"
#include "model/language_model.h"
#include "train/example_scores.h"
#include "train/result.h"
#include "train/spec.h"
#include "train/work_progress.h"

namespace seqbench {

struct TrainedModel {
  std::filesystem::path file;
  RunSpec spec;       // of the run, with what was set since
  RunSpec of_run;     // as it was
  bool best = false;  // the weights with the best validation
  std::unique_ptr<LanguageModel> model;
  Buffer weights;
  std::unique_ptr<Task> task;            // of `spec`; none in what load_writer() returns
  std::unique_ptr<Tokenizer> tokenizer;  // in that alone
};

// `run`: the folder of a finished run, or the file. `sets`: "path=value" for paths of task and eval, and
// seed. `best`: the weights with the best validation, of a run's folder. Throws Error when there is no model,
// it was written by something else, the files it was trained on have changed since, or a task that was set
// does not fit it.
TrainedModel load_trained(const std::filesystem::path& run, const Texts& sets, bool best = false);

// A language model, to write with. Needs neither the text it was trained on nor a task; a SentencePiece model
// must be where it was. Throws Error when there is no model, or its tokens are no text.
TrainedModel load_writer(const std::filesystem::path& run);

// Tests it: the metrics of its task's test split and of every further setting. `rows` go through the model at
// once; `examples` gets those of each.
RunResult test(const TrainedModel& trained, int threads, std::int64_t rows, WorkProgress* progress = nullptr,
               std::vector<ExampleScores>* examples = nullptr);

// What was tested; `name` tells it from others, and is not shown of one alone.
struct Tested {
  std::string name;
  std::filesystem::path file;
  RunSpec spec;
  RunSpec of_run;
  bool best = false;
  RunResult result;
  std::vector<ExampleScores> examples = {};  // of the test and each further one, where they were asked for
};
std::string tests_text(const std::vector<Tested>& tested);
// An object, of several a list of them.
std::string tests_json(const std::vector<Tested>& tested);

}  // namespace seqbench
