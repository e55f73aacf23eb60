#include "train/memory_need.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/machine.h"
#include "train/passes.h"

namespace seqbench {
namespace {

constexpr double kSlack = 1.1;        // of the allocator, and of small things
constexpr double kReadSeconds = 0.1;  // of reading contexts

std::string on_threads(int threads) { return fmt::format("{} thread{}", threads, threads == 1 ? "" : "s"); }

MemoryNeed::Part test_part(Passes& passes, std::int64_t length, std::int64_t examples, int threads) {
  const std::int64_t units = (examples + sequences_at_once(length) - 1) / sequences_at_once(length);
  const int workers = static_cast<int>(std::clamp<std::int64_t>(units, 1, threads));
  return {.what = fmt::format("testing at {} tokens on {}", length, on_threads(workers)),
          .lower = "eval.lengths, task.length or --threads",
          .bytes = workers * passes.at_once(Passes::Kind::score, length, examples).bytes};
}

}  // namespace

double MemoryNeed::bytes() const {
  double most = 0;
  for (const Part& part : later) most = std::max(most, part.bytes);
  return kSlack * (kept.bytes + training.bytes + most);
}

const MemoryNeed::Part& MemoryNeed::largest() const {
  const Part* largest = kept.bytes >= training.bytes ? &kept : &training;
  for (const Part& part : later) largest = part.bytes > largest->bytes ? &part : largest;
  return *largest;
}

MemoryNeed memory_need(const RunSpec& spec, const Task& task, const LanguageModel& model, int threads,
                       const Stop& stop) {
  const std::int64_t lanes = spec.train.integer("lanes");
  const auto weights_bytes = 4 * static_cast<double>(model.parameters().flat_size());
  MemoryNeed need;
  // Weights, the best ones, two moments, and the sum of the gradients of all lanes.
  need.kept = {.what = fmt::format("weights, moments and the gradients of {} lanes", lanes),
               .lower = "model.width, model.layers or train.lanes",
               .bytes = weights_bytes * static_cast<double>(5 + lanes)};
  if (need.bytes() > static_cast<double>(available_memory())) return need;
  const Buffer weights = model.parameters().initial(spec.seed, DType::f32);
  Passes passes(model, weights, task, stop);
  const int workers = static_cast<int>(std::min<std::int64_t>(threads, lanes));
  const std::int64_t shortest = std::ssize(task.sample(Split::train, 0).tokens);
  const std::int64_t of_a_lane = (spec.train.integer("batch") + lanes - 1) / lanes;
  for (const std::int64_t length : {task.length(), shortest}) {
    const double bytes = workers * passes.at_once(Passes::Kind::train, length, of_a_lane).bytes;
    if (bytes <= need.training.bytes) continue;
    need.training = {.what = fmt::format("training at {} tokens on {}", length, on_threads(workers)),
                     .lower = "task.length, model.width or --threads",
                     .bytes = bytes};
  }
  const std::int64_t examples = spec.eval.integer("examples");
  need.later.push_back(test_part(passes, task.length(), examples, threads));
  for (const TaskSetting& setting : further_tests(spec)) {
    const auto length = setting.options.find("length");
    if (length != setting.options.end())
      need.later.push_back(test_part(passes, std::get<std::int64_t>(length->second), examples, threads));
  }
  std::int64_t longest = task.length();
  for (const std::int64_t context : spec.measure.integers("contexts")) {
    if (model.longest() == 0 || context <= model.longest()) longest = std::max(longest, context);
  }
  const Reading reading(model, weights, task.vocab_size(), longest, kReadSeconds, stop);
  need.later.push_back({.what = fmt::format("a context of {} tokens", longest),
                        .lower = "measure.contexts",
                        .bytes = reading.bytes(static_cast<double>(longest))});
  return need;
}

MemoryNeed memory_need_of(const RunSpec& spec, int threads, const Stop& stop) {
  const std::unique_ptr<Task> task = make_task(spec);
  const LanguageModel model(spec.model, task->vocab_size(), task->length());
  return memory_need(spec, *task, model, threads, stop);
}

}  // namespace seqbench
