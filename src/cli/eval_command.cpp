#include "cli/eval_command.h"

#include "base/error.h"
#include "cli/output.h"
#include "experiment/trained_model.h"
#include "task/kept_tokenizer.h"
#include "train/generate.h"

namespace seqbench {

int eval_command(const EvalArguments& arguments) {
  const TrainedModel trained = load_trained(arguments.run, arguments.sets);
  const RunResult result = test(trained, arguments.threads, arguments.rows);
  return print_text(arguments.json ? test_json(trained, result) : test_text(trained, result));
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
