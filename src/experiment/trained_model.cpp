#include "experiment/trained_model.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/shortened.h"
#include "experiment/grid.h"
#include "experiment/slice_text.h"
#include "experiment/spec.h"
#include "experiment/store.h"
#include "task/kept_tokenizer.h"
#include "train/checkpoint.h"
#include "train/checksum.h"
#include "train/evaluate.h"
#include "train/run.h"
#include "train/safetensors.h"

namespace seqbench {
namespace {

namespace fs = std::filesystem;

fs::path model_file(const fs::path& run) {
  if (!fs::is_directory(run)) {
    fail_if(!fs::exists(run), "{}: there is no such folder; expected that of a finished run: DIR/NAME/RUN.",
            run.string());
    return run;
  }
  const fs::path file = run / "model.safetensors";
  if (fs::exists(file)) return file;
  fail_if(fs::exists(run / "checkpoint.safetensors"),
          "{}: this run is not finished; run its spec again, and it goes on from where it is.", run.string());
  fail("{}: holds no model.safetensors; expected the folder of a finished run: DIR/NAME/RUN.", run.string());
}

bool is_best(const fs::path& file) { return file.filename() == kBestFile; }

// Of a run whose last weights are the best there is one file.
fs::path best_file(const fs::path& run) {
  if (!fs::is_directory(run) || fs::exists(run / kBestFile))
    return model_file(run) == run ? run : run / kBestFile;
  const fs::path last = model_file(run);
  const fs::path file = run / "result.json";
  fail_if(!fs::exists(file), "{}: holds no result.json that says whether its last weights are the best.",
          run.string());
  const RunResult result = stored_result(read_json(file), file.string()).result;
  fail_if(!result.best || result.best->step != result.steps,
          "{}: holds no {}; run its spec again with --force.", run.string(), kBestFile);
  return last;
}

void check_sets(const Texts& sets) {
  for (const std::string& set : sets) {
    fail_if(!set.starts_with("task.") && !set.starts_with("eval.") && !set.starts_with("seed="),
            "--set {}: the model is trained already; expected task.*, eval.* or seed, of which to test it.",
            set);
  }
}

const std::string& about(const TensorFile& content, const fs::path& file, const char* key) {
  const auto found = content.metadata.find(key);
  fail_if(found == content.metadata.end(),
          "{}: says nothing of its {}; expected a model that \"seqbench run\" has trained.", file.string(),
          key);
  return found->second;
}

// Options that name files end so.
bool names_files(const Texts& sets) {
  return std::ranges::any_of(
      sets, [](const std::string& set) { return set.substr(0, set.find('=')).ends_with("files"); });
}

void check_task(const TrainedModel& trained, const TensorFile& content, const Texts& sets) {
  fail_if(
      !names_files(sets) &&
          std::to_string(trained.task->data_id()) != about(content, trained.file, kAboutData),
      "{}: the files of task {} have changed since it was trained; bring them back, or name others: --set "
      "'task.test_files=[\"FILE\"]'.",
      trained.file.string(), trained.spec.task->name);
  fail_if(std::to_string(vocabulary_id(*trained.task)) != about(content, trained.file, kAboutVocabulary),
          "{}: the task's tokens are not those it was trained on ({} of them now); keep the options and "
          "files that "
          "the vocabulary depends on.",
          trained.file.string(), trained.task->vocab_size());
  check_tests(trained.spec, *trained.task, *trained.model);
}

std::int64_t size_in(const TensorFile& content, const fs::path& file, const char* key) {
  const std::string& text = about(content, file, key);
  std::int32_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  fail_if(error != std::errc() || end != text.data() + text.size() || size < 1,
          "{}: its {} should be a whole number from 1 on, and is \"{}\".", file.string(), key,
          shortened(text));
  return size;
}

// Before memory is taken for a model of that size.
void check_size(const Parameters& parameters, const TensorFile& content, const fs::path& file) {
  std::int64_t held = 0;
  for (const auto& [name, tensor] : content.tensors) held += tensor.shape.size();
  fail_if(held != parameters.count(), "{}: holds {} numbers; the model of its spec has {} parameters.",
          file.string(), held, parameters.count());
}

TensorFile read_whole(const fs::path& file) {
  verify_checksum(file);  // models of before there were any carry none
  return read_safetensors(file);
}

TrainedModel load_model(const fs::path& file, const TensorFile& content, const Texts& sets) {
  TrainedModel trained{.file = file, .spec = {}, .of_run = {}, .model = {}, .weights = {}, .task = {}, .tokenizer = {}};
  Json spec = parse_json(about(content, file, kAboutSpec), file.string());
  trained.of_run = resolve(spec);
  for (const std::string& set : sets) apply_set(spec, set);
  trained.spec = resolve(spec);
  trained.model = std::make_unique<LanguageModel>(trained.spec.model, size_in(content, file, kAboutVocabSize),
                                                  size_in(content, file, kAboutLength));
  check_size(trained.model->parameters(), content, file);
  trained.weights = Buffer(trained.model->parameters().flat_size(), DType::f32);
  load_safetensors(file, named_weights(trained.model->parameters(), trained.weights));
  return trained;
}

}  // namespace

TrainedModel load_trained(const fs::path& run, const Texts& sets, bool best) {
  check_sets(sets);
  const fs::path file = best ? best_file(run) : model_file(run);
  const TensorFile content = read_whole(file);
  TrainedModel trained = load_model(file, content, sets);
  trained.best = best || is_best(file);
  trained.task = make_task(trained.spec);
  check_task(trained, content, sets);
  return trained;
}

TrainedModel load_writer(const fs::path& run) {
  const fs::path file = model_file(run);
  const TensorFile content = read_whole(file);
  TrainedModel trained = load_model(file, content, {});
  const std::string& kept = about(content, file, kAboutTokenizer);
  fail_if(kept.empty(), "{}: was trained on {}, whose tokens are no text; expected a run of a language model.",
          file.string(), trained.spec.task->name);
  try {
    trained.tokenizer = tokenizer_of(kept);
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  }
  fail_if(trained.tokenizer->vocab_size() != size_in(content, file, kAboutVocabSize),
          "{}: its tokenizer has {} tokens, and the model {}; the file is damaged.", file.string(),
          trained.tokenizer->vocab_size(), about(content, file, kAboutVocabSize));
  return trained;
}

RunResult test(const TrainedModel& trained, int threads, std::int64_t rows, WorkProgress* progress,
               std::vector<ExampleScores>* examples) {
  RunResult result;
  Evaluator{.model = *trained.model,
            .weights = trained.weights,
            .threads = threads,
            .rows = rows,
            .progress = progress,
            .examples = examples}
      .test(trained.spec, *trained.task, result);
  return result;
}

std::string tests_text(const std::vector<Tested>& tested) {
  const Texts headers = tested.size() > 1 ? Texts{"run", "mechanism"} : Texts{"mechanism"};
  std::vector<ScoredRow> rows;
  for (const Tested& test : tested) {
    Texts labels = {mechanism_of(test.spec.model)};
    if (tested.size() > 1) labels.insert(labels.begin(), test.name);
    rows.push_back({.labels = labels, .runs = {&test.result}});
  }
  const std::string slices = slices_text(headers, rows);
  return tests_text(headers, rows, true, true) + (slices.empty() ? "" : "\n" + slices);
}

std::string tests_json(const std::vector<Tested>& tested) {
  Json list = Json::array();
  for (const Tested& test : tested) {
    const Json all = metrics_json(test.result);
    list.push_back({{"schema", kSchema},
                    {"model", test.file.string()},
                    {"spec", resolved_json("", test.spec)},
                    {"metrics", {{"test", all.at("test")}, {"settings", all.at("settings")}}}});
  }
  return (list.size() == 1 ? list[0] : list).dump(2) + "\n";
}

}  // namespace seqbench
