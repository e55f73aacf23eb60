#include "experiment/budget.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "experiment/grid.h"
#include "experiment/spec.h"
#include "model/language_model.h"

namespace seqbench {
namespace {

constexpr std::int64_t kWidest = 1 << 14;
constexpr std::int64_t kMostHeads = 256;  // the least width that any mechanism takes is not above this

class Budget {
 public:
  Budget(Json spec, std::int64_t wanted) : spec_(std::move(spec)), wanted_(wanted) {
    const RunSpec run = resolve(spec_);
    const auto task = make_task(run);
    vocab_size_ = task->vocab_size();
    length_ = task->length();
    ffn_per_width_ = static_cast<double>(run.model.options.integer("ffn")) /
                     static_cast<double>(run.model.options.integer("width"));
  }

  Json solved() {
    step_ = smallest_width();
    std::int64_t low = 1;  // in steps
    std::int64_t high = kWidest / step_;
    fail_if(parameters(step_) > wanted_ + slack(),
            "model.budget.parameters: {} are too few: the narrowest model, of width {}, has {}.", wanted_,
            step_, parameters(step_));
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (parameters(middle * step_) <= wanted_ ? low : high) = middle;
    }
    std::int64_t width = low * step_;
    if (ffn_per_width_ > 0) return filled(width);
    const std::int64_t wider = width + step_;
    if (std::abs(parameters(wider) - wanted_) < std::abs(parameters(width) - wanted_)) width = wider;
    fail_if(std::abs(parameters(width) - wanted_) > slack(),
            "model.budget.parameters: no width is within 1% of {}: {} has {} and {} has {}. Ask for one of "
            "these, or "
            "set model.ffn, which is then fitted.",
            wanted_, low * step_, parameters(low * step_), wider, parameters(wider));
    return at(width, 0);
  }

 private:
  std::int64_t slack() const { return wanted_ / 100; }

  // The feed-forward part takes what is left, in equal parts for all blocks.
  Json filled(std::int64_t width) const {
    const std::int64_t ffn = ffn_of(width);
    const std::int64_t unit = *count(at(width, ffn + 1)) - *count(at(width, ffn));
    const auto more = static_cast<std::int64_t>(
        std::lround(static_cast<double>(wanted_ - parameters(width)) / static_cast<double>(unit)));
    const Json spec = at(width, ffn + more);
    const std::int64_t reached = *count(spec);
    fail_if(
        std::abs(reached - wanted_) > slack(),
        "model.budget.parameters: {} cannot be reached within 1%: the nearest is {}, with model.width {} and "
        "model.ffn {}.",
        wanted_, reached, width, ffn + more);
    return spec;
  }

  std::int64_t ffn_of(std::int64_t width) const {
    return ffn_per_width_ == 0
               ? 0
               : std::max<std::int64_t>(1, std::lround(ffn_per_width_ * static_cast<double>(width)));
  }

  Json at(std::int64_t width, std::int64_t ffn) const {
    Json spec = spec_;
    set_path(spec, "model.width", width, "model.budget");
    set_path(spec, "model.ffn", ffn, "model.budget");
    return spec;
  }

  // None for a width that the mechanism does not take, as one that its heads do not divide.
  std::optional<std::int64_t> count(const Json& spec) const try {
    return LanguageModel(resolve(spec).model, vocab_size_, length_).parameters().count();
  } catch (const Error&) {
    return std::nullopt;
  }

  std::int64_t parameters(std::int64_t width) const {
    const auto parameters = count(at(width, ffn_of(width)));
    fail_if(!parameters, "model.budget: no model of width {}, though of width {}.", width, step_);
    return *parameters;
  }

  // Mechanisms take its multiples.
  std::int64_t smallest_width() const {
    for (std::int64_t width = 1; width <= kMostHeads; ++width) {
      if (count(at(width, ffn_of(width)))) return width;
    }
    fail("model.budget: no width up to {} suits the mechanism; does a model without a budget work?",
         kMostHeads);
  }

  Json spec_;
  std::int64_t wanted_;
  std::int64_t vocab_size_ = 0, length_ = 0;
  std::int64_t step_ = 1;
  double ffn_per_width_ = 0;
};

}  // namespace

Json with_budget_solved(const Json& spec) {
  if (!spec.is_object() || !spec.contains("model") || !spec.at("model").is_object() ||
      !spec.at("model").contains("budget"))
    return spec;
  Json plain = spec;
  const Json budget = spec.at("model").at("budget");
  plain["model"].erase("budget");
  fail_if(!budget.is_object() || budget.size() != 1 || !budget.contains("parameters") ||
              !budget.at("parameters").is_number_integer() || budget.at("parameters") < 1,
          "model.budget: expected {{\"parameters\": N}} with an integer N of at least 1, got {}.",
          budget.dump());
  return Budget(plain, budget.at("parameters").get<std::int64_t>()).solved();
}

}  // namespace seqbench
