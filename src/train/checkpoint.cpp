#include "train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/files.h"
#include "train/checksum.h"

namespace seqbench {
namespace {

// The shortest text that reads back as the same number; JSON has no other kinds of number.
std::string number(double value) { return std::isfinite(value) ? fmt::format("{}", value) : "null"; }

std::string line_of(const CurvePoint& p) {
  return fmt::format(
      "{{\"step\": {}, \"lr\": {}, \"train_loss\": {}, \"train_accuracy\": {}, \"gradient_norm\": {}, "
      "\"valid_loss\": {}, \"valid_accuracy\": {}}}\n",
      p.step, number(p.lr), number(p.train_loss), number(p.train_accuracy), number(p.gradient_norm),
      number(p.valid_loss), number(p.valid_accuracy));
}

using Metadata = std::map<std::string, std::string>;

const std::string& entry(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  fail_if(found == metadata.end(), "its __metadata__ has no \"{}\".", key);
  return found->second;
}

template <class T>
T number_in(const Metadata& metadata, const std::string& key, T low, T high, const std::string& expected) {
  const std::string& text = entry(metadata, key);
  T value = {};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  fail_if(!whole || !(value >= low && value <= high), "its \"{}\" should be {}, and is \"{}\".", key,
          expected, text);
  return value;
}

std::int64_t whole(const Metadata& metadata, const std::string& key,
                   std::int64_t high = std::numeric_limits<std::int64_t>::max()) {
  return number_in<std::int64_t>(metadata, key, 0, high, fmt::format("a whole number from 0 to {}", high));
}

double real(const Metadata& metadata, const std::string& key,
            double low = std::numeric_limits<double>::lowest()) {
  return number_in(metadata, key, low, std::numeric_limits<double>::max(), "a finite number");
}

}  // namespace

RunFiles::RunFiles(std::filesystem::path folder, const Parameters& parameters)
    : folder_(std::move(folder)),
      checkpoint_(folder_ / kCheckpoint),
      before_(folder_ / kCheckpointBefore),
      parameters_(parameters),
      note_(folder_ / kProgressNote) {}

std::vector<NamedTensor> named_weights(const Parameters& parameters, Buffer& buffer,
                                       const std::string& prefix) {
  std::vector<NamedTensor> named;
  for (const Parameter& parameter : parameters.all()) {
    named.push_back({prefix + parameter.name, parameter.shape, buffer.as<float>() + parameter.offset});
  }
  return named;
}

std::vector<NamedTensor> RunFiles::tensors(RunState& state) const {
  TrainState& train = *state.train;
  std::vector<NamedTensor> all = named_weights(parameters_, train.weights, "weights.");
  for (const auto& [buffer, prefix] :
       {std::pair{&train.first_moment, "first_moment."}, std::pair{&train.second_moment, "second_moment."},
        std::pair{&state.best.weights, "best."}}) {
    const std::vector<NamedTensor> more = named_weights(parameters_, *buffer, prefix);
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void RunFiles::load(const std::filesystem::path& file, std::int64_t steps, RunState& state) {
  fail_if(!verify_checksum(file), "{}: carries no checksum.", file.string());
  const Metadata metadata = load_safetensors(file, tensors(state));
  try {
    state.train->step = whole(metadata, "step", steps);
    state.window = {.loss = real(metadata, "window_loss"),
                    .surprise = real(metadata, "window_surprise"),
                    .surprises = whole(metadata, "window_surprises"),
                    .labels = whole(metadata, "window_labels"),
                    .correct = whole(metadata, "window_correct"),
                    .examples = whole(metadata, "window_examples"),
                    .exact = whole(metadata, "window_exact")};
    state.seconds = real(metadata, "seconds", 0);
    state.stopped = whole(metadata, "stopped", 1) != 0;
    if (metadata.contains("unvalidated")) state.unvalidated = real(metadata, "unvalidated");
    state.best.step = whole(metadata, "best_step", steps);
    state.best.loss = real(metadata, "best_loss");
    state.best.accuracy = real(metadata, "best_accuracy");
    curve_ = entry(metadata, "curve");
  } catch (const Error& error) {
    fail("{}: {}", file.string(), error.what());
  }
}

// The newest checkpoint that is whole; false when there is none at all. `damage`: what is wrong with a newer.
bool RunFiles::load_newest(std::int64_t steps, RunState& state, std::string& damage) {
  for (const auto& file : {checkpoint_, before_}) {
    if (!std::filesystem::exists(file)) continue;
    try {
      load(file, steps, state);
      // It must not take the place of the good one when the next is written.
      if (!damage.empty()) std::filesystem::remove(checkpoint_);
      return true;
    } catch (const Error& error) {
      damage += (damage.empty() ? "" : " ") + std::string(error.what());
    }
  }
  // Tables cut long messages: what to do comes first.
  fail_if(!damage.empty(),
          "delete its checkpoints to start the run from its beginning, or run again with --force: {}",
          damage);
  return false;
}

std::optional<Resumed> RunFiles::resume(RunState& state, std::int64_t steps) {
  if (folder_.empty()) return std::nullopt;
  Resumed resumed{.steps = steps};
  const bool begun = load_newest(steps, state, resumed.damage);
  // A kill can leave a curve that is ahead of the checkpoint.
  replace_file(folder_ / "curve.jsonl", curve_);
  const std::int64_t step = state.train->step;
  const Reached before = note_.read().value_or(Reached{.step = step});
  reached_ = before;
  reached_.step = resumed.step = step;
  if (!begun && before.step == 0) return std::nullopt;
  resumed.repeated_steps = std::max<std::int64_t>(0, before.step - step);
  reached_.repeated_steps += resumed.repeated_steps;
  ++reached_.resumes;
  note_.write(reached_);
  return resumed;
}

void RunFiles::reached(std::int64_t step) {
  if (folder_.empty()) return;
  reached_.step = step;
  note_.write(reached_);
}

void RunFiles::save(RunState& state) const {
  if (folder_.empty()) return;
  Metadata metadata = {{"step", std::to_string(state.train->step)},
                       {"window_loss", fmt::format("{}", state.window.loss)},
                       {"window_surprise", fmt::format("{}", state.window.surprise)},
                       {"window_surprises", std::to_string(state.window.surprises)},
                       {"window_labels", std::to_string(state.window.labels)},
                       {"window_correct", std::to_string(state.window.correct)},
                       {"window_examples", std::to_string(state.window.examples)},
                       {"window_exact", std::to_string(state.window.exact)},
                       {"seconds", fmt::format("{}", state.seconds)},
                       {"stopped", state.stopped ? "1" : "0"},
                       {"best_step", std::to_string(state.best.step)},
                       {"best_loss", fmt::format("{}", state.best.loss)},
                       {"best_accuracy", fmt::format("{}", state.best.accuracy)},
                       {"curve", curve_}};
  if (state.unvalidated) metadata["unvalidated"] = fmt::format("{}", *state.unvalidated);
  save_safetensors(checkpoint_, tensors(state), metadata, {.checksum = true, .before = before_});
}

void RunFiles::add_point(const CurvePoint& point) {
  if (folder_.empty()) return;
  const std::string line = line_of(point);
  append_to_file(folder_ / "curve.jsonl", line);
  curve_ += line;
}

void RunFiles::keep_model(RunState& state, const std::map<std::string, std::string>& about) const {
  if (folder_.empty()) return;
  replace_file(folder_ / "curve.jsonl", curve_);  // durable from here on
  if (state.best.step > 0 && state.best.step < state.train->step) {
    save_safetensors(folder_ / kBestFile, named_weights(parameters_, state.best.weights), about,
                     {.checksum = true});
  } else {
    std::filesystem::remove(folder_ / kBestFile);
  }
  save_safetensors(folder_ / kModelFile, named_weights(parameters_, state.train->weights), about,
                   {.checksum = true});
}

}  // namespace seqbench
