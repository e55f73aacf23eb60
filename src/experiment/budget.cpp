#include "experiment/budget.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/error.h"
#include "experiment/grid.h"
#include "experiment/spec.h"
#include "model/language_model.h"
#include "train/measure.h"

namespace seqbench {
namespace {

constexpr std::int64_t kWidest = 1 << 14;
constexpr std::int64_t kMostHeads = 256;  // the least width that any mechanism takes is not above this

using SizeOf = std::function<std::int64_t(std::int64_t width)>;

// The models of a spec by their width.
class Widths {
 public:
  explicit Widths(Json spec) : spec_(std::move(spec)) {
    const RunSpec run = resolve(spec_);
    const auto task = make_task(run);
    vocab_size_ = task->vocab_size();
    length_ = task->length();
    ffn_per_width_ = static_cast<double>(run.model.options.integer("ffn")) /
                     static_cast<double>(run.model.options.integer("width"));
    step_ = smallest();
  }

  std::int64_t vocab_size() const { return vocab_size_; }
  // The narrowest; mechanisms take its multiples.
  std::int64_t step() const { return step_; }

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
  Json at(std::int64_t width) const { return at(width, ffn_of(width)); }

  LanguageModel model(const Json& spec) const { return {resolve(spec).model, vocab_size_, length_}; }

  std::int64_t parameters(std::int64_t width, std::int64_t ffn) const {
    return model(at(width, ffn)).parameters().count();
  }

  // Whether a wider feed-forward part makes a larger model: a mechanism's own block may have none.
  bool has_ffn() const {
    const std::int64_t ffn = ffn_of(step_);
    return ffn > 0 && parameters(step_, ffn + 1) > parameters(step_, ffn);
  }

  // The widest model whose size, which grows with the width, is at most `wanted`; else the narrowest.
  std::int64_t widest(const SizeOf& size_of, std::int64_t wanted) const {
    std::int64_t low = 1, high = 2;  // in steps
    while (high * step_ < kWidest && size_of(high * step_) <= wanted) high *= 2;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      (size_of(middle * step_) <= wanted ? low : high) = middle;
    }
    return low * step_;
  }

 private:
  // Others are not taken: a width that the heads do not divide.
  bool is_possible(std::int64_t width) const try {
    model(at(width));
    return true;
  } catch (const Error&) {
    return false;
  }
  std::int64_t smallest() const {
    for (std::int64_t width = 1; width <= kMostHeads; ++width) {
      if (is_possible(width)) return width;
    }
    fail("model.budget: no width up to {} suits the mechanism; does a model without a budget work?",
         kMostHeads);
  }

  Json spec_;
  std::int64_t vocab_size_ = 0, length_ = 0;
  std::int64_t step_ = 1;
  double ffn_per_width_ = 0;
};

struct Wanted {
  const char* name;
  std::int64_t amount;
  int percent;  // how far from it is near enough
  const char* advice;

  std::int64_t slack() const { return amount / 100 * percent + amount % 100 * percent / 100; }
};

void refuse_too_little(const Widths& widths, const SizeOf& size_of, const Wanted& wanted) {
  const std::int64_t least = size_of(widths.step());
  fail_if(least - wanted.amount > wanted.slack(),
          "model.budget.{}: {} are too few: the narrowest model, of width {}, has {}.", wanted.name,
          wanted.amount, widths.step(), least);
}

// The width below or above `wanted` that is nearer to it.
std::int64_t nearest_width(const Widths& widths, const SizeOf& size_of, const Wanted& wanted) {
  refuse_too_little(widths, size_of, wanted);
  const std::int64_t narrow = widths.widest(size_of, wanted.amount);
  const std::int64_t wide = narrow + widths.step();
  const std::int64_t less = size_of(narrow);
  const std::int64_t more = size_of(wide);
  const bool up = std::abs(more - wanted.amount) < std::abs(less - wanted.amount);
  fail_if(std::abs((up ? more : less) - wanted.amount) > wanted.slack(),
          "model.budget.{}: no width is within {}% of {}: {} has {} and {} has {}. {}", wanted.name,
          wanted.percent, wanted.amount, narrow, less, wide, more, wanted.advice);
  return up ? wide : narrow;
}

// The feed-forward part takes what the widest model leaves, in equal parts for all blocks.
Json filled(const Widths& widths, std::int64_t width, const Wanted& wanted) {
  const auto count = [&](std::int64_t ffn) { return widths.parameters(width, ffn); };
  const std::int64_t ffn = widths.ffn_of(width);
  const std::int64_t unit = count(ffn + 1) - count(ffn);
  const auto more = static_cast<std::int64_t>(
      std::lround(static_cast<double>(wanted.amount - count(ffn)) / static_cast<double>(unit)));
  const std::int64_t reached = count(ffn + more);
  fail_if(
      std::abs(reached - wanted.amount) > wanted.slack(),
      "model.budget.parameters: {} cannot be reached within {}%: the nearest is {}, with model.width {} and "
      "model.ffn {}.",
      wanted.amount, wanted.percent, reached, width, ffn + more);
  return widths.at(width, ffn + more);
}

Json with_parameters(const Widths& widths, std::int64_t amount) {
  const Wanted wanted{"parameters", amount, 1,
                      "Ask for one of these, or set model.ffn, which is fitted where a block has one."};
  const auto count = [&](std::int64_t width) { return widths.parameters(width, widths.ffn_of(width)); };
  if (!widths.has_ffn()) return widths.at(nearest_width(widths, count, wanted));
  refuse_too_little(widths, count, wanted);
  return filled(widths, widths.widest(count, amount), wanted);
}

using Parts = std::vector<State::Part>;

Parts parts_of(const DecodeState& state) {
  Parts parts;
  for (const DecodeState::Layer& layer : state.layers) {
    for (const State* of : {&layer.mixer, &layer.conv})
      parts.insert(parts.end(), of->parts.begin(), of->parts.end());
  }
  return parts;
}

// How caches grow does not depend on the width, so that only the narrowest model need read `at` tokens.
class StateSize {
 public:
  StateSize(const Widths& widths, std::int64_t at) : widths_(widths) {
    const LanguageModel narrowest = widths.model(widths.at(widths.step()));
    grown_ = parts_of(
        state_after(narrowest, narrowest.parameters().initial(0, DType::f32), widths.vocab_size(), at));
  }
  std::int64_t operator()(std::int64_t width) const {
    const Parts parts = parts_of(widths_.model(widths_.at(width)).empty_state(1, DType::f32));
    std::int64_t bytes = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const Shape& shape = parts[i].shape;
      const std::int64_t numbers = shape[0] == 0 ? shape.with_first(grown_[i].shape[0]).size() : shape.size();
      bytes += numbers * static_cast<std::int64_t>(sizeof(float));
    }
    return bytes;
  }

 private:
  const Widths& widths_;
  Parts grown_;
};

Json with_state(const Widths& widths, std::int64_t amount, std::int64_t at) {
  const Wanted wanted{"state_bytes", amount, 10, "Ask for one of these, or for fewer heads."};
  Json spec = widths.at(nearest_width(widths, StateSize(widths, at), wanted));
  const bool given = spec.contains("measure") && spec.at("measure").contains("contexts");
  Integers contexts = given ? resolve(spec).measure.integers("contexts") : Integers{at};
  if (std::ranges::find(contexts, at) == contexts.end()) contexts.push_back(at);
  set_path(spec, "measure.contexts", contexts, "model.budget");
  return spec;
}

// 0 when it is not there.
std::int64_t positive(const Json& budget, const char* key) {
  const auto found = budget.find(key);
  return found != budget.end() && found->is_number_integer() ? std::max<std::int64_t>(0, *found) : 0;
}

// It joins measure.contexts, and a model reads so many tokens before that is looked at.
Range context_range() {
  const OptionList options = measure_options();
  return std::ranges::find(options, "contexts", &Option::name)->range;
}

void check_context(std::int64_t at) {
  const Range range = context_range();
  fail_if(static_cast<double>(at) > range.high,
          "model.budget.at: expected an integer from {} to {}, as measure.contexts takes, got {}.", range.low,
          range.high, at);
}

}  // namespace

const OptionList& budget_options() {
  const Range positive = {.low = 1};
  static const OptionList options = {
      Option::integer("parameters", 0, positive,
                      "the width, and ffn where one is given, within 1% of so many parameters"),
      Option::integer("state_bytes", 0, positive, "or the width within 10% of a decode state of so many bytes"),
      Option::integer("at", 0, context_range(), "after that many tokens")};
  return options;
}

Json with_budget_solved(const Json& spec) {
  if (!spec.is_object() || !spec.contains("model") || !spec.at("model").is_object() ||
      !spec.at("model").contains("budget"))
    return spec;
  Json plain = spec;
  const Json budget = spec.at("model").at("budget");
  plain["model"].erase("budget");
  if (budget.is_object() && budget.size() == 1 && positive(budget, "parameters") > 0)
    return with_parameters(Widths(plain), positive(budget, "parameters"));
  if (budget.is_object() && budget.size() == 2 && positive(budget, "state_bytes") > 0 &&
      positive(budget, "at") > 0) {
    check_context(positive(budget, "at"));
    return with_state(Widths(plain), positive(budget, "state_bytes"), positive(budget, "at"));
  }
  fail(
      "model.budget: expected {{\"parameters\": N}} or {{\"state_bytes\": N, \"at\": TOKENS}}, "
      "with integers of at least 1, got {}.",
      budget.dump());
}

}  // namespace seqbench
