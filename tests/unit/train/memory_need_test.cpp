#include "train/memory_need.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "train/measure.h"
#include "train/trainer.h"
#include "unit/train/tiny_run.h"

namespace seqbench::test {
namespace {

constexpr double kFactor = 3;  // as memory_need.h says

constexpr int kThreads = 2;
constexpr std::int64_t kTested = 3000;   // well beyond what is run for the estimate
constexpr std::int64_t kContext = 9000;  // likewise

RunSpec spec_of(const std::string& mechanism, std::int64_t length) {
  RunSpec spec = tiny_spec(mechanism, {{"batch", std::int64_t{24}}, {"lanes", std::int64_t{4}}});
  std::map<std::string, Value> task(spec.task_options.all().begin(), spec.task_options.all().end());
  task["length"] = length;
  spec.task_options = Options(spec.task->options, task, "task");
  spec.eval =
      Options(eval_options(), {{"examples", std::int64_t{50}}, {"lengths", Integers{kTested}}}, "eval");
  spec.measure = Options(measure_options(), {{"speed", false}, {"contexts", Integers{kContext}}}, "measure");
  return spec;
}

double bytes_of_test(const RunSpec& spec, const LanguageModel& model, const Buffer& weights) {
  const std::unique_ptr<Task> task = make_task(spec, further_tests(spec).back());
  const std::vector<Sample> samples = {task->sample(Split::test, 0)};
  Batch batch;
  batch.fill(samples);
  Arena arena;
  Tape tape(model.parameters(), weights, nullptr, arena);
  batch.run(tape, model);
  return static_cast<double>(arena.peak_bytes());
}

TEST_CASE("the memory that is estimated is at least what is taken, and not much more") {
  for (const std::string mechanism :
       {"softmax", "linear", "retention", "min_gru", "xlstm", "slstm", "sparse_k", "top_k", "lstm"}) {
    for (const std::int64_t length : {16, 300}) {
      CAPTURE(mechanism);
      CAPTURE(length);
      const RunSpec spec = spec_of(mechanism, length);
      const std::unique_ptr<Task> task = make_task(spec);
      const LanguageModel model(spec.model, task->vocab_size(), task->length());
      const MemoryNeed need = memory_need(spec, *task, model, kThreads, {});

      Trainer trainer(*task, model, spec.train, 0, kThreads);
      for (int i = 0; i < 3; ++i) trainer.step(0);
      const auto trained = static_cast<double>(trainer.peak_bytes());
      CHECK(need.kept.bytes + need.training.bytes >= trained);
      CHECK(need.kept.bytes + need.training.bytes <= kFactor * trained);

      const auto part = [&](const std::string& what) {
        return std::ranges::find_if(need.later,
                                    [&](const auto& p) { return p.what.find(what) != std::string::npos; })
            ->bytes;
      };
      const double tested = kThreads * bytes_of_test(spec, model, trainer.state().weights);
      CHECK(part("testing at 3000 tokens") >= tested);
      CHECK(part("testing at 3000 tokens") <= kFactor * tested);

      const auto state = static_cast<double>(
          state_after(model, trainer.state().weights, task->vocab_size(), kContext).bytes());
      CHECK(part("a context of 9000 tokens") >= state);
      CHECK(need.bytes() >= trained + std::max(tested, state));
    }
  }
}

TEST_CASE("what grows with lengths nobody can run is known without running them") {
  RunSpec spec = spec_of("softmax", 16);
  spec.measure = Options(measure_options(), {{"contexts", Integers{10'000'000}}}, "measure");
  const MemoryNeed need = memory_need_of(spec, 1);
  CHECK(need.largest().what == "a context of 10000000 tokens");
  CHECK(need.largest().lower == "measure.contexts");
  CHECK(need.bytes() > 1e7 * 2 * 2 * 16 * 4);  // keys and values of two layers of width 16
  const MemoryNeed fixed = memory_need_of(spec_of("min_gru", 16), 1);
  CHECK(fixed.bytes() < 1e8);
}

}  // namespace
}  // namespace seqbench::test
