#include "cli/eval_command.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/files.h"
#include "cli/app.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/work_display.h"
#include "experiment/evaluations.h"
#include "experiment/paired.h"
#include "experiment/trained_model.h"
#include "task/kept_tokenizer.h"
#include "report/trained_runs.h"
#include "train/generate.h"

namespace seqbench {

namespace {

void complain(const Texts& lines) {
  for (const std::string& line : lines) print_error("seqbench: " + line + "\n");
}

// What the report of several tests calls each: its folder.
std::string name_of_run(const TrainedModel& trained) {
  const std::filesystem::path folder = trained.file.parent_path();
  return folder.empty() ? trained.file.string() : folder.filename().string();
}

Tested tested_run(const EvalArguments& arguments, const std::filesystem::path& run, const std::string& place,
                  WorkDisplay& display) {
  const TrainedModel trained = load_trained(run, arguments.sets, arguments.best);
  WorkProgress progress(
      [&](const WorkDone& work) { display.show(place + work_text("test", "examples", work)); });
  Tested tested = {.name = name_of_run(trained),
                   .file = trained.file,
                   .spec = trained.spec,
                   .of_run = trained.of_run,
                   .best = trained.best,
                   .result = {}};
  const bool single = arguments.paired || !arguments.examples.empty();
  tested.result =
      test(trained, arguments.threads, arguments.rows, &progress, single ? &tested.examples : nullptr);
  return tested;
}

// What cannot be tested is said before the first of several is.
void check_all(const EvalArguments& arguments, const std::vector<std::filesystem::path>& runs) {
  fail_if(arguments.paired && runs.size() != 2, "--paired: expected two runs, got {}.", runs.size());
  if (!arguments.examples.empty()) const FileWriter writable(arguments.examples);
  if (runs.size() < 2) return;
  for (const std::filesystem::path& run : runs) load_trained(run, arguments.sets, arguments.best);
  if (arguments.paired) {
    check_paired(load_trained(runs[0], arguments.sets, arguments.best),
                 load_trained(runs[1], arguments.sets, arguments.best));
  }
}

void write_examples(const std::string& file, const std::vector<Tested>& all) {
  std::string lines;
  for (const Tested& tested : all) lines += examples_jsonl(tested);
  replace_file(file, lines);
}

std::string results_text(const EvalArguments& arguments, const std::vector<Tested>& all) {
  if (arguments.json) return tests_json(all);
  return tests_text(all) + (arguments.paired ? "\n" + paired_text(all[0], all[1]) : "");
}

// Returns what kept it from being kept.
Texts kept(const Tested& tested) try {
  keep_evaluation(tested);
  return {};
} catch (const std::exception& error) {
  return {error.what()};
}

}  // namespace

int eval_command(const EvalArguments& arguments) {
  const TrainedRuns trained = trained_runs({arguments.runs.begin(), arguments.runs.end()});
  fail_if(trained.runs.empty(), "no run that can be tested:\n  {}", fmt::join(trained.problems, "\n  "));
  check_all(arguments, trained.runs);
  Texts problems = trained.problems;
  std::vector<Tested> tested;
  WorkDisplay display(arguments.quiet);
  for (std::size_t i = 0; i < trained.runs.size(); ++i) {
    const std::string place =
        trained.runs.size() > 1 ? fmt::format("[{}/{}] ", i + 1, trained.runs.size()) : "";
    tested.push_back(tested_run(arguments, trained.runs[i], place, display));
    // Each as it ends, so that a kill costs one.
    for (const std::string& problem : kept(tested.back())) problems.push_back(problem);
  }
  display.clear();
  complain(problems);
  if (!arguments.examples.empty()) write_examples(arguments.examples, tested);
  print_text(results_text(arguments, tested));
  return problems.empty() ? kDone : kFailed;
}

int sample_command(const SampleArguments& arguments) {
  const TrainedModel trained = load_writer(arguments.run);
  const Tokenizer& tokenizer = *trained.tokenizer;
  const std::vector<std::int32_t> prompt =
      arguments.prompt ? tokenizer.encode(*arguments.prompt) : std::vector{first_token(tokenizer)};
  fail_if(prompt.empty(), "--prompt: is empty; expected text to go on from.");
  const std::vector<std::int32_t> written =
      generate(*trained.model, trained.weights, prompt,
               {.tokens = arguments.tokens, .temperature = arguments.temperature, .seed = arguments.seed});
  std::vector<std::int32_t> all = prompt;
  all.insert(all.end(), written.begin(), written.end());
  return print_bytes(tokenizer.decode(all) + "\n");
}

}  // namespace seqbench
