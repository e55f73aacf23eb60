#include "experiment/budget.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "experiment/spec.h"
#include "model/language_model.h"
#include "train/measure.h"
#include "unit/experiment/support.h"

namespace seqbench {
namespace {

Json asking_for(std::int64_t parameters, const std::string& mixer, std::int64_t ffn) {
  Json spec = small_spec();
  spec["model"]["mixer"] = mixer;
  spec["model"]["width"] = 64;
  spec["model"]["ffn"] = ffn;
  spec["model"]["budget"] = {{"parameters", parameters}};
  return spec;
}

std::int64_t parameters_of(const Json& spec) {
  const RunSpec run = resolve(spec);
  const auto task = make_task(run);
  return LanguageModel(run.model, task->vocab_size(), task->length()).parameters().count();
}

TEST_CASE("a budget of parameters is met within 1% where there is a feed-forward part to fit") {
  for (const char* mixer : {"softmax", "sparse_k", "linear", "retention", "min_gru", "gru"}) {
    for (const std::int64_t wanted : {20000, 100000, 1000000}) {
      CAPTURE(mixer);
      CAPTURE(wanted);
      const Json solved = with_budget_solved(asking_for(wanted, mixer, 128));
      CHECK_FALSE(solved.at("model").contains("budget"));
      CHECK(std::abs(parameters_of(solved) - wanted) <= wanted / 100);
    }
  }
}

TEST_CASE("without one the nearest width is taken, or named when it is not near enough") {
  const Json solved = with_budget_solved(asking_for(1000000, "min_gru", 0));
  CHECK(solved.at("model").at("ffn") == 0);
  CHECK(std::abs(parameters_of(solved) - 1000000) <= 10000);
  CHECK(has(message_of([] { with_budget_solved(asking_for(6000, "softmax", 0)); }),
            "no width is within 1% of 6000"));
  CHECK(has(message_of([] { with_budget_solved(asking_for(10, "softmax", 0)); }), "are too few"));
}

TEST_CASE("a mechanism that brings its own block, which model.ffn says nothing of, is fitted by its width") {
  const Json solved = with_budget_solved(asking_for(1000000, "xlstm", 128));
  CHECK(std::abs(parameters_of(solved) - 1000000) <= 10000);
  CHECK(has(message_of([] { with_budget_solved(asking_for(20000, "xlstm", 128)); }),
            "no width is within 1% of 20000"));
}

TEST_CASE("a budget of state bytes is met at the context it names, which is then measured") {
  for (const char* mixer : {"softmax", "sparse_k", "linear", "retention", "mlstm", "slstm", "min_gru"}) {
    CAPTURE(mixer);
    constexpr std::int64_t kWanted = 60000;
    Json spec = asking_for(1, mixer, 128);
    spec["model"]["budget"] = {{"state_bytes", kWanted}, {"at", 40}};
    const RunSpec run = resolve(with_budget_solved(spec));
    const auto task = make_task(run);
    const LanguageModel model(run.model, task->vocab_size(), task->length());
    const std::int64_t reached =
        state_after(model, model.parameters().initial(1, DType::f32), task->vocab_size(), 40).bytes();
    CHECK(std::abs(reached - kWanted) <= kWanted / 10);
    CHECK(run.model.options.integer("ffn") == 2 * run.model.options.integer("width"));
    const Integers& contexts = run.measure.integers("contexts");
    CHECK(std::ranges::count(contexts, 40) == 1);
  }
}

TEST_CASE("a budget of state bytes that no width comes near is refused with the nearest") {
  Json spec = asking_for(1, "linear", 0);
  spec["model"]["budget"] = {{"state_bytes", 250}, {"at", 40}};
  CHECK(has(message_of([&] { with_budget_solved(spec); }), "no width is within 10% of 250"));
  spec["model"]["budget"]["state_bytes"] = 20;
  CHECK(has(message_of([&] { with_budget_solved(spec); }), "20 are too few"));
}

TEST_CASE("a context beyond those that are measured is refused before any is read") {
  Json spec = asking_for(1, "linear", 0);
  spec["model"]["budget"] = {{"state_bytes", 60000}, {"at", 100000000}};
  CHECK(has(
      message_of([&] { with_budget_solved(spec); }),
      "model.budget.at: expected an integer from 1 to 10000000, as measure.contexts takes, got 100000000"));
}

TEST_CASE("the largest budgets are refused like others that no model has") {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  CHECK(has(message_of([] { with_budget_solved(asking_for(kMost, "softmax", 0)); }),
            "no width is within 1% of 9223372036854775807"));
  Json spec = asking_for(1, "linear", 0);
  spec["model"]["budget"] = {{"state_bytes", kMost}, {"at", 40}};
  CHECK(has(message_of([&] { with_budget_solved(spec); }), "no width is within 10% of 9223372036854775807"));
}

TEST_CASE("a budget of another form is refused; a spec without one stays as it is") {
  Json spec = small_spec();
  CHECK(with_budget_solved(spec) == spec);
  spec["model"]["budget"] = {{"parameter", 1}};
  CHECK(has(message_of([&] { with_budget_solved(spec); }), "model.budget: expected {\"parameters\": N}"));
  spec["model"]["budget"] = {{"state_bytes", 1000}};
  CHECK(has(message_of([&] { with_budget_solved(spec); }), "or {\"state_bytes\": N, \"at\": TOKENS}"));
}

}  // namespace
}  // namespace seqbench
